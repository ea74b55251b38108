"""The fake passes the contract tests; here is what only the fake does."""

from itertools import islice

from infra.vectors.memory import InMemoryVectorStore
from schemas.search import Filter
from tests.infra.vectors.factories import SPACE, TENANT, make_points, make_scope


def test_ids_may_be_read_while_points_are_replaced() -> None:
    store = InMemoryVectorStore()
    store.ensure(SPACE)
    store.replace(SPACE, TENANT, make_scope(), make_points(4))

    ids = store.ids(SPACE, TENANT)
    first = list(islice(ids, 1))
    store.replace(SPACE, TENANT, make_scope(), [])

    assert len(first + list(ids)) == 4


def test_a_zero_vector_is_similar_to_nothing() -> None:
    store = InMemoryVectorStore()
    store.ensure(SPACE)
    (point,) = make_points(1)
    store.replace(SPACE, TENANT, make_scope(), [point])

    (hit,) = store.search(SPACE, TENANT, point.dense * 0, filter=Filter(), limit=1)

    assert hit.score == 0.0
