"""Which installation is moved, and where to."""

import pytest

from infra.settings import load_settings
from orchestrator.commands.migrate import run_migrate
from orchestrator.move.ends import check_names, embedded_settings, open_target
from schemas.errors import ConfigurationError

CLUSTER = {
    "broker_url": "amqp://there//",
    "database_url": "postgresql://user:secret@there/db",
    "qdrant_url": "http://there:6333",
    "store_url": "s3://bucket/made",
}


def test_source_keeps_everything_in_its_home_whatever_is_set(
    clean_environment, tmp_path, monkeypatch
):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    for name, value in CLUSTER.items():
        monkeypatch.setenv(f"SLUICE_{name.upper()}", value)

    ours, theirs = embedded_settings(), load_settings()

    assert (ours.is_embedded, theirs.is_embedded) == (True, False)
    assert ours.sqlalchemy_url == f"sqlite:///{tmp_path / 'home' / 'sluice.db'}"
    assert (ours.artifact_root, theirs.artifact_root) == ("", "made/")
    assert ours.qdrant_url == ""


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"broker_url": "memory://"}, "SLUICE_BROKER_URL"),
        ({"database_url": ""}, "SLUICE_DATABASE_URL"),
        ({"database_url": "sqlite:///other.db"}, "SLUICE_DATABASE_URL"),
        ({"qdrant_url": ""}, "SLUICE_QDRANT_URL"),
        ({"store_url": ""}, "SLUICE_STORE_URL"),
    ],
)
def test_part_of_a_cluster_is_named_as_missing(clean_environment, change, missing):
    with pytest.raises(ConfigurationError, match=rf"missing: {missing} \("):
        check_names(load_settings(**{**CLUSTER, **change}))
    check_names(load_settings(**CLUSTER))


def test_command_without_a_home_says_so(cluster, tmp_path, clean_environment, monkeypatch):
    for name, value in cluster.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "nowhere"))

    with pytest.raises(ConfigurationError, match="nowhere: no store there yet"):
        run_migrate(dry_run=False, as_json=True)
    assert not (tmp_path / "nowhere").exists()


def test_opening_a_target_asks_nobody(clean_environment):
    """What does not answer is told by the first question."""
    with open_target(load_settings(**CLUSTER)) as end:
        assert end.settings.artifact_bucket == "bucket"
