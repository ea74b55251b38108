import hashlib
import os

import pytest

from infra.checksums import Checksums


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    return path


@pytest.fixture
def readings(monkeypatch):
    """Counts how often a file's bytes are read."""
    counted = []
    digest = hashlib.file_digest
    monkeypatch.setattr(
        "infra.checksums.hashlib.file_digest", lambda *a: counted.append(1) or digest(*a)
    )
    return counted


def test_checksum_is_sha256(file):
    assert Checksums().sha256(file) == hashlib.sha256(b"abc").hexdigest()


def test_file_is_read_once_by_all_processes(file, tmp_path, readings):
    memory = tmp_path / "home" / "checksums.json"
    first = Checksums(memory).sha256(file)

    assert Checksums(memory).is_known(file)
    assert Checksums(memory).sha256(file) == first
    assert len(readings) == 1


def test_file_is_read_again_on_demand(file, readings):
    checksums = Checksums()
    checksums.sha256(file)

    checksums.sha256(file, afresh=True)

    assert len(readings) == 2


def test_file_that_was_changed_and_dated_back_is_read_again(file):
    checksums = Checksums()
    before = file.stat()
    old = checksums.sha256(file)
    file.write_bytes(b"xyz")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert not checksums.is_known(file)
    assert checksums.sha256(file) != old


def test_file_that_was_replaced_is_read_again(file, tmp_path):
    checksums = Checksums()
    old = checksums.sha256(file)
    (tmp_path / "other").write_bytes(b"xyz")
    (tmp_path / "other").replace(file)

    assert checksums.sha256(file) != old


def test_link_and_target_are_one_file(file, tmp_path, readings):
    (tmp_path / "link").symlink_to(file)
    checksums = Checksums()

    assert checksums.sha256(file) == checksums.sha256(tmp_path / "link")
    assert len(readings) == 1


def test_absent_file_is_not_known(tmp_path):
    assert not Checksums().is_known(tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": [[1], "x"]}'])
def test_broken_memory_is_no_memory(file, tmp_path, text):
    (tmp_path / "checksums.json").write_text(text)

    assert Checksums(tmp_path / "checksums.json").sha256(file)
    assert Checksums(tmp_path / "checksums.json").is_known(file)


def test_memory_that_cannot_be_written_costs_a_reading_only(file, tmp_path, readings):
    memory = file / "checksums.json"

    assert Checksums(memory).sha256(file) == Checksums(memory).sha256(file)
    assert len(readings) == 2


def test_memory_forgets_files_that_are_gone(file, tmp_path):
    memory = tmp_path / "checksums.json"
    Checksums(memory).sha256(file)
    (tmp_path / "next").write_bytes(b"next")
    file.unlink()

    Checksums(memory).sha256(tmp_path / "next")

    assert str(file) not in memory.read_text()
