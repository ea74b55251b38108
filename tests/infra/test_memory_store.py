from infra.memory_store import InMemoryObjectStore
from schemas.asset import ObjectRef


def test_put_stores_bytes_without_a_file() -> None:
    store = InMemoryObjectStore()

    head = store.put(ObjectRef(bucket="b", key="k"), b"123")

    assert head.size_bytes == 3
    assert list(store.list("b", "")) == [head]
