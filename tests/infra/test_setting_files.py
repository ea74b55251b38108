from pathlib import Path

import pytest

from infra.setting_files import read_setting_files
from infra.settings import load_settings, misspelt_variables
from schemas.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_value_lies_in_the_file_that_the_variable_names(monkeypatch):
    Path("url").write_text("postgresql://sluice:secret@db/sluice\n")
    monkeypatch.setenv("SLUICE_DATABASE_URL_FILE", "url")

    assert load_settings().database_url == "postgresql://sluice:secret@db/sluice"
    assert misspelt_variables() == []


def test_file_wins_over_the_toml_and_loses_to_an_argument(monkeypatch):
    Path("sluice.toml").write_text('tenant = "toml"\n')
    Path("tenant").write_text("file")
    monkeypatch.setenv("SLUICE_TENANT_FILE", "tenant")

    assert load_settings().tenant == "file"
    assert load_settings(tenant="argument").tenant == "argument"


def test_value_of_a_file_is_checked_like_any_other(monkeypatch):
    Path("lease").write_text("soon")
    monkeypatch.setenv("SLUICE_LEASE_S_FILE", "lease")

    with pytest.raises(ConfigurationError, match=r"SLUICE_LEASE_S: .*found 'soon'"):
        load_settings()


def test_groups_have_files_too(monkeypatch):
    Path("pages").write_text("9")
    monkeypatch.setenv("SLUICE_LIMIT_N_PAGES_FILE", "pages")

    assert load_settings().media_limits.n_pages == 9


def test_setting_whose_own_name_ends_like_a_file_is_not_read(monkeypatch):
    monkeypatch.setenv("SLUICE_S3_CA_FILE", "/no/such/file.pem")

    assert load_settings().s3.ca_file == Path("/no/such/file.pem")


def test_both_at_once_are_refused():
    Path("token").write_text("t")
    variables = {"sluice_webhook_token": "other", "sluice_webhook_token_file": "token"}

    with pytest.raises(ConfigurationError, match=r"SLUICE_WEBHOOK_TOKEN and .*_FILE are both set"):
        read_setting_files(variables, "sluice_", ["webhook_token"])


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b" \n", "is empty"), (b"\xff\xfe\x00", "not UTF-8")],
)
def test_file_that_holds_no_value_is_named_without_its_content(content, said):
    if content is not None:
        Path("token").write_bytes(content)

    with pytest.raises(ConfigurationError, match=f"SLUICE_WEBHOOK_TOKEN_FILE: token.*{said}"):
        read_setting_files({"sluice_webhook_token_file": "token"}, "sluice_", ["webhook_token"])


def test_misspelt_name_of_a_file_is_told(monkeypatch):
    monkeypatch.setenv("SLUICE_DATABASE_ULR_FILE", "url")

    assert misspelt_variables() == [
        "SLUICE_DATABASE_ULR_FILE is no setting; did you mean SLUICE_DATABASE_URL_FILE?"
    ]
