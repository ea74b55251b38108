from pathlib import Path

import pytest

from infra.settings import load_settings, misspelt_variables
from schemas.errors import ConfigurationError
from schemas.stages import STAGES

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_defaults_are_an_embedded_store_in_this_folder():
    settings = load_settings()

    assert settings.is_embedded
    assert settings.home == Path(".sluice")
    assert settings.sqlalchemy_url == "sqlite:///.sluice/sluice.db"
    assert settings.vectors_dir == Path(".sluice/vectors")
    assert settings.artifacts_dir == Path(".sluice/artifacts")
    assert settings.scratch_dir == Path(".sluice/scratch")


def test_environment_wins_over_the_file(monkeypatch):
    Path("sluice.toml").write_text('tenant = "file"\nlease_s = 7\n')
    monkeypatch.setenv("SLUICE_TENANT", "environment")

    settings = load_settings()

    assert (settings.tenant, settings.lease_s) == ("environment", 7.0)


def test_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("SLUICE_TENANT", "environment")

    assert load_settings(tenant="argument").tenant == "argument"


@pytest.mark.parametrize("url", ["amqp://guest@host//", "redis://host/0"])
def test_broker_elsewhere_is_a_cluster(url):
    assert not load_settings(broker_url=url).is_embedded


def test_database_url_wins_over_the_file_in_home():
    url = "postgresql+psycopg://host/db"

    assert load_settings(database_url=url).sqlalchemy_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_LEASE_S", "soon"),
        ("SLUICE_LEASE_S", "0"),
        ("SLUICE_MAX_ATTEMPTS", "0"),
        ("SLUICE_BATCHES_IN_FLIGHT", "0"),
        ("SLUICE_LOG_FORMAT", "xml"),
        ("SLUICE_TENANT", ""),
        ("SLUICE_SANDBOX_CPU_S", "fast"),
        ("SLUICE_LIMIT_N_PAGES", "many"),
    ],
)
def test_wrong_value_names_the_variable_and_what_was_found(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=f"{name}: .*found '{value}'"):
        load_settings()


def test_all_wrong_values_are_named_at_once(monkeypatch):
    monkeypatch.setenv("SLUICE_LEASE_S", "soon")
    monkeypatch.setenv("SLUICE_MAX_ATTEMPTS", "many")

    with pytest.raises(ConfigurationError, match=r"SLUICE_LEASE_S.*SLUICE_MAX_ATTEMPTS"):
        load_settings()


def test_file_that_is_not_toml_is_named():
    Path("sluice.toml").write_text("tenant = ")

    with pytest.raises(ConfigurationError, match=r"sluice\.toml: not valid TOML"):
        load_settings()


def test_file_that_is_not_utf8_is_named():
    Path("sluice.toml").write_bytes('tenant = "M\u00fcller"'.encode("latin-1"))

    with pytest.raises(ConfigurationError, match=r"sluice\.toml: not UTF-8"):
        load_settings()


def test_key_of_the_file_that_is_no_setting_is_refused_with_the_nearest():
    Path("sluice.toml").write_text('modles = "small"\nlease_s = 7\n[sandbox]\ncpus = 3\n')

    with pytest.raises(
        ConfigurationError,
        match=r"sluice\.toml: modles is no setting; did you mean models\?; sandbox_cpus is no "
        r"setting; did you mean sandbox_cpu_s\?",
    ):
        load_settings()


def test_limits_come_from_the_file_too(monkeypatch):
    Path("sluice.toml").write_text("limit_n_pages = 9\n[sandbox]\ncpu_s = 3\nn_children = 2\n")
    monkeypatch.setenv("SLUICE_SANDBOX_N_CHILDREN", "1")

    settings = load_settings()

    assert settings.media_limits.n_pages == 9
    assert (settings.sandbox_limits.cpu_s, settings.sandbox_limits.n_children) == (3, 1)


def test_variable_that_is_no_setting_is_told_with_the_nearest(monkeypatch):
    monkeypatch.setenv("SLUICE_MODLES", "small")
    monkeypatch.setenv("SLUICE_XYZZY", "1")
    monkeypatch.setenv("SLUICE_TEST_POSTGRES_URL", "")
    monkeypatch.setenv("SLUICE_LIMIT_N_PAGES", "9")

    assert misspelt_variables() == [
        "SLUICE_MODLES is no setting; did you mean SLUICE_MODELS?",
        "SLUICE_XYZZY is no setting; docs/settings.md lists them all",
    ]


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_device_that_there_is(device):
    assert load_settings(device=device).device == device


@pytest.mark.parametrize("device", ["tpu", "cuda:", "CPU", ""])
def test_device_that_there_is_not_says_what_fits(monkeypatch, device):
    monkeypatch.setenv("SLUICE_DEVICE", device)

    with pytest.raises(
        ConfigurationError,
        match=f"SLUICE_DEVICE: expected auto, cpu, cuda or cuda:N .found '{device}'",
    ):
        load_settings()


def test_limits_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SLUICE_SANDBOX_N_CHILDREN", "3")
    monkeypatch.setenv("SLUICE_LIMIT_N_PAGES", "9")

    settings = load_settings()

    assert settings.sandbox_limits.n_children == 3
    assert settings.media_limits.n_pages == 9


def test_settings_cannot_be_changed_later():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().tenant = "other"  # type: ignore[misc]


def test_every_stage_has_a_version_under_the_profile(settings):
    assert set(settings.versions) == set(STAGES)
    assert len(set(settings.versions.values())) == len(STAGES)
