"""What every object store must do."""

from datetime import timedelta
from pathlib import Path

import pytest

from infra.folder_store import FolderStore
from infra.memory_store import InMemoryObjectStore
from infra.object_store import ObjectStore
from infra.s3_store import S3Store
from schemas.asset import ObjectRef
from schemas.errors import MediaTooLarge, ObjectChanged, ObjectNotFound
from tests.object_stores import empty_bucket

BUCKET = "artifacts"


@pytest.fixture(params=["memory", "folder", "moto", "nanio"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    match request.param:
        case "folder":
            return FolderStore(tmp_path / "root", BUCKET)
        case "moto" | "nanio":
            s3: S3Store = request.getfixturevalue(f"{request.param}_store")
            empty_bucket(s3, BUCKET)
            return s3
        case _:
            return InMemoryObjectStore()


def unless_nanio(request: pytest.FixtureRequest, reason: str) -> None:
    """It is a small server; what it cannot do is said where it shows."""
    if request.node.callspec.params["store"] == "nanio":
        pytest.xfail(reason)


def put(store: ObjectStore, tmp_path: Path, key: str, content: bytes = b"content") -> ObjectRef:
    source = tmp_path / "source"
    source.write_bytes(content)
    ref = ObjectRef(bucket=BUCKET, key=key)
    store.upload(source, ref)
    return ref


def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [head.ref.key for head in store.list(BUCKET, prefix)]


@pytest.mark.parametrize("n_bytes", [0, 1, 20_000_001])
def test_download_gives_what_was_uploaded(store: ObjectStore, tmp_path: Path, n_bytes: int) -> None:
    content = (b"0123456789abcdef" * (n_bytes // 16 + 1))[:n_bytes]
    ref = put(store, tmp_path, "a/b.bin", content)

    store.download(store.head(ref), tmp_path / "copy", max_bytes=n_bytes)

    assert (tmp_path / "copy").read_bytes() == content


def test_head_says_size_and_a_time_with_zone(store: ObjectStore, tmp_path: Path) -> None:
    ref = put(store, tmp_path, "a.txt", b"12345")

    head = store.head(ref)

    assert (head.ref, head.size_bytes) == (ref, 5)
    assert head.etag
    assert head.last_modified.utcoffset() == timedelta(0)
    assert head.generation == store.head(ref).generation


def test_head_of_nothing_is_not_found(store: ObjectStore, tmp_path: Path) -> None:
    put(store, tmp_path, "folder/inside")

    for key in ("absent", "folder", "folder/inside/deeper", "fold"):
        with pytest.raises(ObjectNotFound, match=key):
            store.head(ObjectRef(bucket=BUCKET, key=key))
    with pytest.raises(ObjectNotFound, match="no-such-bucket"):
        store.head(ObjectRef(bucket="no-such-bucket", key="a"))


def test_download_of_a_deleted_object_is_not_found(store: ObjectStore, tmp_path: Path) -> None:
    ref = put(store, tmp_path, "a")
    head = store.head(ref)
    store.delete(ref)

    with pytest.raises(ObjectNotFound):
        store.download(head, tmp_path / "copy", max_bytes=100)

    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"", b"y"), (b"x", b""), (b"x" * 7, b"y" * 7), (b"x" * 20_000_000, b"y" * 20_000_000)],
    ids=["appeared", "emptied", "small", "large"],
)
def test_download_of_changed_bytes_is_refused(
    store: ObjectStore, tmp_path: Path, old: bytes, new: bytes, request: pytest.FixtureRequest
) -> None:
    if not new:
        unless_nanio(request, "nanio 0.1.7 takes a range of an empty object for a wrong request")
    ref = put(store, tmp_path, "a", old)
    head = store.head(ref)
    put(store, tmp_path, "a", new)

    with pytest.raises(ObjectChanged, match=ref.uri):
        store.download(head, tmp_path / "copy", max_bytes=1 << 30)

    assert not (tmp_path / "copy").exists()


def test_download_stops_at_the_limit(store: ObjectStore, tmp_path: Path) -> None:
    ref = put(store, tmp_path, "a", b"12345")

    with pytest.raises(MediaTooLarge, match="5 bytes, at most 4"):
        store.download(store.head(ref), tmp_path / "copy", max_bytes=4)

    assert not (tmp_path / "copy").exists()


def test_upload_replaces(store: ObjectStore, tmp_path: Path) -> None:
    ref = put(store, tmp_path, "a", b"old")
    old = store.head(ref)
    put(store, tmp_path, "a", b"newer")
    put(store, tmp_path, "a", b"newer")

    assert store.head(ref).size_bytes == 5
    assert store.head(ref).generation != old.generation
    assert keys(store) == ["a"]


@pytest.mark.parametrize(
    "key",
    ["plain.txt", "with space+plus%41.txt", "ünï/☃.png", ".hidden", "x" * 200, "a'\"&<>b"],
)
def test_keys_are_opaque(
    store: ObjectStore, tmp_path: Path, key: str, request: pytest.FixtureRequest
) -> None:
    if "%" in key:
        unless_nanio(request, "nanio 0.1.7 decodes a key twice before it checks the signature")
    ref = put(store, tmp_path, key, key.encode())

    assert keys(store) == [key]
    store.download(store.head(ref), tmp_path / "copy", max_bytes=1000)
    assert (tmp_path / "copy").read_bytes() == key.encode()
    store.delete(ref)
    assert keys(store) == []


def test_list_is_in_key_order(store: ObjectStore, tmp_path: Path) -> None:
    expected = ["B", "a-b/c", "a.txt", "a/b", "a/c/d", "a0", "b", "é", "😀"]
    for key in reversed(expected):
        put(store, tmp_path, key)

    assert keys(store) == expected


def test_a_listing_begins_after_any_key(store: ObjectStore, tmp_path: Path) -> None:
    for key in ("a/1", "a/2", "a/3", "b"):
        put(store, tmp_path, key)

    assert after(store, "", "a/2") == ["a/3", "b"]
    assert after(store, "a/", "a/2") == ["a/3"]
    assert after(store, "a/", "a/2x") == ["a/3"]
    assert after(store, "a/", "A") == ["a/1", "a/2", "a/3"]
    assert after(store, "a/", "z") == []


def after(store: ObjectStore, prefix: str, key: str) -> list[str]:
    return [head.ref.key for head in store.list(BUCKET, prefix, after=key)]


def test_list_takes_any_prefix(store: ObjectStore, tmp_path: Path) -> None:
    for key in ("a/1", "a/2/x", "ab", "b"):
        put(store, tmp_path, key)

    assert keys(store, "a") == ["a/1", "a/2/x", "ab"]
    assert keys(store, "a/") == ["a/1", "a/2/x"]
    assert keys(store, "a/2") == ["a/2/x"]
    assert keys(store, "a/2/x") == ["a/2/x"]
    assert keys(store, "c/d/") == []


def test_list_and_head_agree(store: ObjectStore, tmp_path: Path) -> None:
    ref = put(store, tmp_path, "a/b", b"12")

    assert list(store.list(BUCKET, "")) == [store.head(ref)]


def test_list_of_a_missing_bucket_is_not_found(store: ObjectStore) -> None:
    if isinstance(store, InMemoryObjectStore):
        pytest.skip("the fake has every bucket")

    with pytest.raises(ObjectNotFound, match="no-such-bucket"):
        list(store.list("no-such-bucket", ""))


def test_delete_of_nothing_is_fine(
    store: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ref = put(store, tmp_path, "folder/a")

    for gone in (ref, ref, ObjectRef(bucket=BUCKET, key="never/was")):
        store.delete(gone)
    put(store, tmp_path, "folder/a")
    unless_nanio(request, "nanio 0.1.7 answers 500 where a key is the folder of another")
    store.delete(ObjectRef(bucket=BUCKET, key="folder"))
    store.delete(ObjectRef(bucket=BUCKET, key="folder/a/b"))

    assert keys(store) == ["folder/a"]


def test_delete_prefix_spares_the_neighbours(store: ObjectStore, tmp_path: Path) -> None:
    for key in ("t/a/1", "t/a/2/x", "t/ab", "t/b"):
        put(store, tmp_path, key)

    for _ in range(2):
        store.delete_prefix(BUCKET, "t/a/")
    assert keys(store) == ["t/ab", "t/b"]

    store.delete_prefix(BUCKET, "t/a")
    assert keys(store) == ["t/b"]


def test_delete_prefix_wants_a_prefix(store: ObjectStore, tmp_path: Path) -> None:
    put(store, tmp_path, "a")

    with pytest.raises(ValueError, match="whole bucket"):
        store.delete_prefix(BUCKET, "")

    assert keys(store) == ["a"]


def test_ping_names_the_store(store: ObjectStore) -> None:
    assert store.ping()
