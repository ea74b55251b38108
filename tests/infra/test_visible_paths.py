import os
import sys
from pathlib import Path

import pytest

from infra.visible_paths import find_devices, find_listable, find_readable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A directory on Python's path as a user's checkout is: code beside secrets."""
    for name in ("package", "store"):
        (tmp_path / name).mkdir()
    for name in ("package/__init__.py", "module.py", "store/database", "sluice.toml", ".env"):
        (tmp_path / name).touch()
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def is_readable(path):
    return any(path.is_relative_to(visible) for visible in find_readable())


def test_code_is_readable_and_what_lies_beside_it_is_not(checkout):
    assert is_readable(checkout / "package/__init__.py")
    assert is_readable(checkout / "module.py")
    assert not is_readable(checkout / "store/database")
    assert not is_readable(checkout / "sluice.toml")
    assert not is_readable(checkout / ".env")
    assert checkout in find_listable()


def test_interpreter_and_our_code_are_readable():
    assert is_readable(Path(os.__file__).resolve())
    assert is_readable(Path(sys.executable))
    assert is_readable(ROOT / "workers/media/read.py")


def test_secrets_of_the_system_are_not_readable():
    for secret in ("/etc/passwd", "/etc/shadow", "/proc/self/environ", "/var", "/run", "/tmp"):
        assert not is_readable(Path(secret))


def test_library_paths_of_the_user_are_readable(tmp_path):
    assert tmp_path in find_readable(f"{tmp_path}:relative:")


def test_nothing_is_named_twice():
    paths = [path for path in find_readable() if not path.is_symlink()]

    assert [(a, b) for a in paths for b in paths if a != b and a.is_relative_to(b)] == []


def test_devices_are_harmless_ones():
    assert Path(os.devnull) in find_devices()
    assert {path.name for path in find_devices()} <= {"null", "zero", "full", "random", "urandom"}
