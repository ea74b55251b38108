import errno
import os
from pathlib import Path

import pytest

from infra.durable_files import copy_bytes, make_folder, new_file


def copied(tmp_path: Path, content: bytes, n_bytes: int) -> bytes:
    (tmp_path / "source").write_bytes(content)
    with (tmp_path / "source").open("rb") as source, new_file(tmp_path / "copy") as target:
        copy_bytes(source, target, n_bytes)
    return (tmp_path / "copy").read_bytes()


def test_copy_bytes_stops_at_the_given_size(tmp_path: Path) -> None:
    assert copied(tmp_path, b"0123456789", 4) == b"0123"


def test_copy_bytes_of_a_shorter_file_ends(tmp_path: Path) -> None:
    assert copied(tmp_path, b"012", 10) == b"012"


def test_copy_bytes_works_where_the_kernel_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse)

    assert copied(tmp_path, b"0123456789", 10) == b"0123456789"


def test_copy_bytes_passes_other_errors_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "copy_file_range", break_down)

    with pytest.raises(OSError, match="Input/output"):
        copied(tmp_path, b"0123456789", 10)


def write_half(path: Path) -> None:
    with new_file(path) as target:
        target.write(b"half")
        raise KeyError


def test_new_file_is_gone_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_half(tmp_path / "a")

    assert not (tmp_path / "a").exists()


def test_make_folder_makes_parents_and_may_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a/b/c")

    assert (tmp_path / "a/b/c").is_dir()
