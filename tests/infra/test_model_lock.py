import json

import pytest

from infra.model_lock import read_lock, write_lock
from schemas.errors import ConfigurationError
from schemas.lock import ModelLock
from tests.schemas.test_lock import locked


def test_lock_that_is_not_there_is_empty(tmp_path):
    assert read_lock(tmp_path / "models.lock") == ModelLock()


def test_lock_is_read_as_it_was_written(tmp_path):
    lock = ModelLock(models=(locked(), locked("c/d")))

    write_lock(tmp_path / "home" / "models.lock", lock)

    assert read_lock(tmp_path / "home" / "models.lock") == lock
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["models.lock"]


def test_lock_reads_well(tmp_path):
    write_lock(tmp_path / "models.lock", ModelLock(models=(locked(),)))

    (model,) = json.loads((tmp_path / "models.lock").read_text())["models"]
    assert model == {
        "repository": "a/b",
        "revision": "main",
        "commit": "0" * 40,
        "files": {"config.json": {"sha256": "0" * 64, "size_bytes": 3}},
    }


@pytest.mark.parametrize("text", ["", "{}}", '{"models": [{"repository": "a/b"}]}'])
def test_file_that_is_no_lock_says_what_to_do(tmp_path, text):
    (tmp_path / "models.lock").write_text(text)

    with pytest.raises(ConfigurationError, match=r"models\.lock: not a lock .* remove it and run"):
        read_lock(tmp_path / "models.lock")


def test_lock_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=r"models\.lock: "):
        write_lock(tmp_path / "file" / "models.lock", ModelLock())
    with pytest.raises(ConfigurationError, match="directory"):
        read_lock(tmp_path)
