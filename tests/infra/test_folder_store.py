"""What is particular to folders: odd entries, odd names, atomic writes, reading in place."""

import errno
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.folder_store import UPLOAD_PREFIX, FolderStore, file_key
from schemas.asset import FILE_BUCKET, ObjectRef
from schemas.errors import ObjectChanged, ObjectNotFound, ObjectStoreUnavailable, StorageFull

BUCKET = "artifacts"
IN_PLACE = FolderStore(Path("/"), FILE_BUCKET)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    (tmp_path / "root").mkdir()
    return FolderStore(tmp_path / "root", BUCKET)


def ref_of(key: str) -> ObjectRef:
    return ObjectRef(bucket=BUCKET, key=key)


def file_ref(path: Path) -> ObjectRef:
    return ObjectRef(bucket=FILE_BUCKET, key=file_key(path))


def listed(folder: Path) -> list[str]:
    prefix = file_key(folder) + "/"
    return [h.ref.key.removeprefix(prefix) for h in IN_PLACE.list(FILE_BUCKET, prefix)]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others than its owner may read, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run without the rights of root, which may read everything."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_reading_in_place_shows_everything_below(tmp_path: Path) -> None:
    for name in ("a.jpg", ".hidden", "deep/er/b.jpg", "Thumbs.db", "line\nbreak"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    assert listed(tmp_path) == [".hidden", "Thumbs.db", "a.jpg", "deep/er/b.jpg", "line\nbreak"]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_bytes(b"12345")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/up").symlink_to(tmp_path)
    (tmp_path / "folder/link.txt").symlink_to(tmp_path / "real.txt")
    (tmp_path / "folder/dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder/self").symlink_to(tmp_path / "folder/self")

    assert listed(tmp_path) == ["folder/link.txt", "real.txt"]
    assert IN_PLACE.head(file_ref(tmp_path / "folder/link.txt")).size_bytes == 5
    with pytest.raises(ObjectNotFound, match="symbolic links"):
        IN_PLACE.head(file_ref(tmp_path / "folder/self"))


def test_a_folder_reached_by_a_link_is_listed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert listed(tmp_path / "link") == ["a"]


def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))

    assert listed(tmp_path) == []
    with pytest.raises(ObjectNotFound, match="found a pipe"):
        IN_PLACE.head(file_ref(tmp_path / "pipe"))
    with pytest.raises(ObjectNotFound, match="found a socket"):
        IN_PLACE.head(file_ref(tmp_path / "socket"))
    with pytest.raises(ObjectNotFound, match="found a device"):
        IN_PLACE.head(file_ref(Path("/dev/zero")))
    with pytest.raises(ObjectNotFound, match="found a folder"):
        IN_PLACE.head(file_ref(tmp_path))


def test_a_file_that_became_a_pipe_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    head = IN_PLACE.head(file_ref(path))
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(ObjectNotFound, match="found a pipe"):
        IN_PLACE.download(head, tmp_path / "copy", max_bytes=10)


def test_names_that_are_not_utf8_have_keys_that_are(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9 \xff.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"latin")

    (head,) = IN_PLACE.list(FILE_BUCKET, file_key(tmp_path) + "/")

    assert head.ref.key == file_key(Path(os.fsdecode(raw)))
    assert head.ref.key.encode().decode() == head.ref.key
    assert head.ref.model_dump_json()
    IN_PLACE.download(head, tmp_path / "copy", max_bytes=10)
    assert (tmp_path / "copy").read_bytes() == b"latin"


def test_keys_of_the_file_system_are_understood_too(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9"))
    path.write_bytes(b"x")

    assert IN_PLACE.head(ObjectRef(bucket=FILE_BUCKET, key=str(path)[1:])).size_bytes == 1


def test_file_key_is_absolute_and_keeps_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("/")

    assert file_key(Path("x/../link/y")) == f"{tmp_path}/link/y"[1:]


def test_files_in_place_are_never_written(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"precious")

    for attempt in (
        lambda: IN_PLACE.delete(file_ref(mine)),
        lambda: IN_PLACE.delete_prefix(FILE_BUCKET, file_key(tmp_path)),
        lambda: IN_PLACE.upload(mine, file_ref(tmp_path / "other")),
    ):
        with pytest.raises(ValueError, match="never written"):
            attempt()

    assert mine.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "key", ["../x", "a/../../x", "/etc/passwd", "a//b", "./a", "", "a/", "a\0b"]
)
def test_keys_cannot_leave_the_folder(store: FolderStore, tmp_path: Path, key: str) -> None:
    (tmp_path / "x").write_bytes(b"outside")

    for attempt in (store.head, store.delete, lambda ref: store.upload(tmp_path / "x", ref)):
        with pytest.raises(ValueError, match="relative path"):
            attempt(ref_of(key))
    assert (tmp_path / "x").exists()


def test_prefixes_cannot_leave_the_folder(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"outside")

    for prefix in ("../", "a/../../", "/"):
        with pytest.raises(ValueError, match="relative path"):
            list(store.list(BUCKET, prefix))
        with pytest.raises(ValueError, match="relative path"):
            store.delete_prefix(BUCKET, prefix)
    store.delete_prefix(BUCKET, "..")

    assert (tmp_path / "x").exists()


def test_unreadable_files_and_folders_say_so(open_folder: Path) -> None:
    (open_folder / "secret").mkdir()
    (open_folder / "secret/a").write_bytes(b"x")
    for name in ("locked", "open"):
        (open_folder / name).write_bytes(b"x")
    for name in ("locked", "secret"):
        (open_folder / name).chmod(0)

    with as_nobody():
        assert listed(open_folder) == ["locked", "open"]
        with pytest.raises(ObjectNotFound, match="may not be read"):
            list(IN_PLACE.list(FILE_BUCKET, file_key(open_folder / "secret") + "/"))
        with pytest.raises(ObjectNotFound, match="may not be read"):
            IN_PLACE.head(file_ref(open_folder / "secret/a"))
        head = IN_PLACE.head(file_ref(open_folder / "locked"))
        with pytest.raises(ObjectNotFound, match="may not be read"):
            IN_PLACE.download(head, open_folder / "copy", max_bytes=10)

    (open_folder / "secret").chmod(0o700)


def test_a_change_of_the_same_size_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    head = IN_PLACE.head(file_ref(path))
    path.write_bytes(b"new")
    os.utime(path, ns=(0, 1_700_000_000_000_000_001))

    with pytest.raises(ObjectChanged, match="expected 3 of"):
        IN_PLACE.download(head, tmp_path / "copy", max_bytes=10)


@pytest.mark.parametrize("mtime_s", [-1, 0, 2**40])
def test_any_modification_time_is_a_time(tmp_path: Path, mtime_s: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    try:
        os.utime(path, (mtime_s, mtime_s))
    except OverflowError:
        pytest.skip("the system does not hold such a time")

    found = IN_PLACE.head(file_ref(path)).last_modified

    assert found.tzinfo == UTC
    assert found <= datetime.max.replace(tzinfo=UTC)


def test_names_too_long_for_the_file_system_hold_nothing(store: FolderStore) -> None:
    with pytest.raises(ObjectNotFound, match="too long"):
        store.head(ref_of("x" * 300))
    with pytest.raises(ObjectNotFound, match="too long"):
        store.head(ref_of("x/" * 3000 + "x"))


def test_a_deep_folder_is_listed(store: FolderStore, tmp_path: Path) -> None:
    deep = "d/" * 1200 + "a"
    folder = tmp_path / "root"
    for _ in range(1200):
        folder /= "d"
        folder.mkdir()
    (folder / "a").write_bytes(b"x")

    listed_keys = [head.ref.key for head in store.list(BUCKET, "")]

    # Python's own rmtree, and so pytest, cannot clear away folders as deep as this.
    subprocess.run(["rm", "-rf", tmp_path / "root" / "d"], check=True)
    assert listed_keys == [deep]


def test_readers_never_see_half_an_upload(store: FolderStore, tmp_path: Path) -> None:
    contents = [bytes([i]) * 3_000_000 for i in (1, 2)]
    for i, content in enumerate(contents):
        (tmp_path / str(i)).write_bytes(content)
    store.upload(tmp_path / "0", ref_of("a"))
    seen: set[bytes] = set()

    def write() -> None:
        for i in range(20):
            store.upload(tmp_path / str(i % 2), ref_of("a"))

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        seen.add((tmp_path / "root/a").read_bytes())
    writer.join()

    assert seen <= set(contents)
    assert [head.ref.key for head in store.list(BUCKET, "")] == ["a"]


def test_an_upload_cut_short_leaves_no_object(store: FolderStore, tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from infra import folder_store
from schemas.asset import ObjectRef
folder_store.copy_bytes = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
store = folder_store.FolderStore(Path(sys.argv[1]), "artifacts")
store.upload(Path(sys.executable), ObjectRef(bucket="artifacts", key="t/a"))
"""
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "root")],
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=30,
    )

    (left_over,) = (tmp_path / "root/t").iterdir()
    assert left_over.name.startswith(UPLOAD_PREFIX)
    assert list(store.list(BUCKET, "")) == []
    store.delete_prefix(BUCKET, "t/")
    assert not (tmp_path / "root/t").exists()


def test_a_full_disk_is_storage_full(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").write_bytes(b"x")
    store.upload(tmp_path / "source", ref_of("a"))
    head = store.head(ref_of("a"))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", full)

    with pytest.raises(StorageFull, match="No space left"):
        store.download(head, tmp_path / "copy", max_bytes=10)
    with pytest.raises(StorageFull, match="No space left"):
        store.upload(tmp_path / "source", ref_of("b"))

    assert not (tmp_path / "copy").exists()
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EIO, ObjectStoreUnavailable),
        (errno.ESTALE, ObjectStoreUnavailable),
        (errno.EBADF, OSError),
    ],
)
def test_trouble_with_the_disk_is_no_fault_of_the_object(
    store: FolderStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    expected: type[Exception],
) -> None:
    (tmp_path / "source").write_bytes(b"x")

    def fail(*_: object) -> int:
        raise OSError(number, "trouble")

    monkeypatch.setattr(os, "copy_file_range", fail)

    with pytest.raises(expected, match="trouble"):
        store.upload(tmp_path / "source", ref_of("a"))


def test_an_upload_of_nothing_is_our_defect(store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.upload(tmp_path / "absent", ref_of("a"))


def test_an_upload_below_an_object_is_refused(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    store.upload(tmp_path / "source", ref_of("a"))

    with pytest.raises(ObjectStoreUnavailable):
        store.upload(tmp_path / "source", ref_of("a/b"))


def test_deleting_a_prefix_does_not_follow_links(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/a").write_bytes(b"x")
    (tmp_path / "root/t").mkdir()
    (tmp_path / "root/t/link").symlink_to(tmp_path / "precious")

    store.delete_prefix(BUCKET, "t/")

    assert (tmp_path / "precious/a").exists()
    assert not (tmp_path / "root/t").exists()


def test_ping_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ObjectStoreUnavailable, match="not a folder"):
        FolderStore(tmp_path / "file", BUCKET).ping()
