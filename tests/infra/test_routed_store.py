import pytest

from infra.memory_store import InMemoryObjectStore
from infra.routed_store import RoutedStore
from schemas.asset import FILE_BUCKET
from tests.factories import make_ref

FILE = make_ref(bucket=FILE_BUCKET, key="tmp/a.jpg")
OBJECT = make_ref(key="a.jpg")


@pytest.fixture
def stores():
    return InMemoryObjectStore(), InMemoryObjectStore()


@pytest.fixture
def routed(stores):
    files, s3 = stores
    return RoutedStore(files, lambda: s3)


@pytest.mark.parametrize(("ref", "place"), [(FILE, 0), (OBJECT, 1)])
def test_every_call_reaches_the_store_that_holds_the_bucket(stores, routed, tmp_path, ref, place):
    (tmp_path / "new").write_bytes(b"bytes")
    routed.upload(tmp_path / "new", ref)

    head = routed.head(ref)
    routed.download(head, tmp_path / "copy", max_bytes=10)

    assert (tmp_path / "copy").read_bytes() == b"bytes"
    assert list(routed.list(ref.bucket, "")) == [head]
    assert list(stores[place].list(ref.bucket, "")) == [head]
    assert list(stores[1 - place].list(ref.bucket, "")) == []


@pytest.mark.parametrize("ref", [FILE, OBJECT])
def test_deleting_reaches_the_store_that_holds_the_bucket(routed, tmp_path, ref):
    (tmp_path / "new").touch()
    other = ref.model_copy(update={"key": "tmp/b.jpg"})
    for each in (ref, other):
        routed.upload(tmp_path / "new", each)

    routed.delete(ref)
    assert [head.ref for head in routed.list(ref.bucket, "")] == [other]

    routed.delete_prefix(ref.bucket, "tmp/")
    assert list(routed.list(ref.bucket, "")) == []


def test_s3_is_not_connected_for_files():
    def connect():
        raise AssertionError("nobody asked for S3")

    routed = RoutedStore(InMemoryObjectStore(), connect)

    assert list(routed.list(FILE_BUCKET, "")) == []
    assert routed.ping() == "in memory"


def test_s3_is_connected_once(stores):
    connected = []
    routed = RoutedStore(stores[0], lambda: connected.append(1) or stores[1])

    for _ in range(2):
        assert list(routed.list("b", "")) == []

    assert connected == [1]
