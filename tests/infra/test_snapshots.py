import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.hub_cache import repository_folder
from infra.snapshots import Snapshots
from schemas.errors import ConfigurationError
from schemas.lock import LockedFile
from tests.tiny_hub import COMMIT, REPOSITORY

CONTENT = {"config.json": b"{}", "model.safetensors": b"weights", "1_Pooling/config.json": b"{}"}
FILES = {
    path: LockedFile(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    for path, content in CONTENT.items()
}


@pytest.fixture
def source(hub_cache):
    """The cache's folder of a snapshot, with files of other programs in it."""
    folder = repository_folder(REPOSITORY) / "snapshots" / COMMIT
    blobs = repository_folder(REPOSITORY) / "blobs"
    for number, (path, content) in enumerate(CONTENT.items()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        blobs.mkdir(exist_ok=True)
        (blobs / str(number)).write_bytes(content)
        (folder / path).symlink_to(blobs / str(number))
    (folder / "adapter_config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    return folder


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path / "home" / "models")


def names(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}


def test_view_holds_the_locked_files_and_nothing_else(snapshots, source):
    view = snapshots.open(REPOSITORY, COMMIT, FILES)

    assert names(view) == set(FILES)
    assert {path: (view / path).read_bytes() for path in FILES} == CONTENT


def test_view_is_made_once(snapshots, source):
    view = snapshots.open(REPOSITORY, COMMIT, FILES)
    before = {path: (view / path).lstat().st_ino for path in FILES}

    assert snapshots.open(REPOSITORY, COMMIT, FILES) == view
    assert {path: (view / path).lstat().st_ino for path in FILES} == before


def test_view_loses_what_is_no_longer_locked(snapshots, source):
    snapshots.open(REPOSITORY, COMMIT, FILES)
    (fewer := dict(FILES)).pop("1_Pooling/config.json")

    assert names(snapshots.open(REPOSITORY, COMMIT, fewer)) == set(fewer)


def test_view_follows_a_file_that_was_fetched_again(snapshots, source, tmp_path):
    snapshots.open(REPOSITORY, COMMIT, FILES)
    (tmp_path / "moved").write_bytes(CONTENT["config.json"])
    (source / "config.json").unlink()
    (source / "config.json").symlink_to(tmp_path / "moved")

    view = snapshots.open(REPOSITORY, COMMIT, FILES)

    assert (view / "config.json").resolve() == tmp_path / "moved"


def test_view_may_be_opened_by_many_at_once(snapshots, source):
    with ThreadPoolExecutor(4) as pool:
        views = list(pool.map(lambda _: snapshots.open(REPOSITORY, COMMIT, FILES), range(16)))

    assert names(views[0]) == set(FILES)


def test_file_that_was_tampered_with_is_refused(snapshots, source):
    snapshots.open(REPOSITORY, COMMIT, FILES)
    weights = (source / "model.safetensors").resolve()
    before = weights.stat()
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(
        ConfigurationError,
        match=r"tiny/eye at c0ffee.*: model\.safetensors has sha256 .* run `sluice models pull`",
    ):
        snapshots.open(REPOSITORY, COMMIT, FILES)


def test_file_of_another_size_is_refused_unread(snapshots, source):
    (source / "config.json").resolve().write_bytes(b"{}  ")

    assert snapshots.check(REPOSITORY, COMMIT, FILES) == {
        "config.json": "has 4 bytes, locked are 2"
    }


def test_file_that_is_absent_is_refused(snapshots, source):
    (source / "config.json").resolve().unlink()

    with pytest.raises(ConfigurationError, match=r"config\.json is not on this machine"):
        snapshots.open(REPOSITORY, COMMIT, FILES)


def test_snapshot_that_is_absent_is_refused(snapshots, hub_cache):
    with pytest.raises(ConfigurationError, match=r"tiny/eye at c0ffee.* is not on this machine"):
        snapshots.open(REPOSITORY, COMMIT, FILES)


def test_verified_files_are_known_to_later_processes(snapshots, source, tmp_path):
    assert not snapshots.is_known(REPOSITORY, COMMIT, FILES)
    snapshots.open(REPOSITORY, COMMIT, FILES)

    assert Snapshots(tmp_path / "home" / "models").is_known(REPOSITORY, COMMIT, FILES)


def test_home_that_cannot_be_written_is_named(source, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="Not a directory"):
        Snapshots(tmp_path / "file" / "models").open(REPOSITORY, COMMIT, FILES)
