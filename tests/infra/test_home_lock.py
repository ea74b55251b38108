import subprocess
import sys

import pytest

from infra.home_lock import HomeLock, read_owner
from schemas.errors import ConfigurationError


def test_lock_says_who_holds_it(tmp_path):
    with HomeLock(tmp_path / "new", "up") as lock:
        assert read_owner(tmp_path / "new")["command"] == "up"
        lock.announce(command="up", url="http://127.0.0.1:8080")

        assert read_owner(tmp_path / "new")["url"] == "http://127.0.0.1:8080"


def test_lock_that_is_held_is_refused_with_its_owner(tmp_path):
    with HomeLock(tmp_path, "up"), pytest.raises(ConfigurationError, match="in use by `sluice up`"):
        HomeLock(tmp_path, "ingest")


def test_lock_that_is_refused_does_not_overwrite_its_owner(tmp_path):
    with HomeLock(tmp_path, "up"):
        with pytest.raises(ConfigurationError):
            HomeLock(tmp_path, "ingest")

        assert read_owner(tmp_path)["command"] == "up"


def test_lock_can_be_taken_again_once_closed(tmp_path):
    HomeLock(tmp_path, "up").close()

    HomeLock(tmp_path, "ingest").close()

    assert read_owner(tmp_path)["command"] == "ingest"


def test_lock_of_a_killed_process_is_free(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from infra.home_lock import HomeLock;"
        "lock = HomeLock(Path(sys.argv[1]), 'up'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    assert killed.returncode == -9
    with HomeLock(tmp_path, "ingest"):
        assert read_owner(tmp_path)["command"] == "ingest"


def test_home_that_cannot_be_made_names_the_setting(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=r"SLUICE_HOME=.*Not a directory"):
        HomeLock(tmp_path / "file" / "home", "up")


@pytest.mark.parametrize("content", ["", "{"])
def test_owner_that_has_not_finished_writing_is_unknown(tmp_path, content):
    (tmp_path / "lock").write_text(content)

    assert read_owner(tmp_path) == {}


def test_owner_of_a_home_that_never_was_is_unknown(tmp_path):
    assert read_owner(tmp_path / "no") == {}
