"""Points from one engine to another, and what a comparison finds."""

from uuid import UUID

import numpy as np
import pytest

from infra.vectors import memory
from infra.vectors.memory import InMemoryVectorStore
from infra.vectors.store import OwnedPoint, Sparse
from orchestrator.move.points import TOLERANCE, compare_points, copy_points, is_same_point
from tests.infra.vectors.factories import SPACE, TENANT, make_point, make_points, make_scope


def own(*points, tenant=TENANT):
    return [OwnedPoint(tenant=tenant, point=point) for point in points]


@pytest.fixture
def stores(monkeypatch):
    """A filled one and an empty one, with pages of four."""
    monkeypatch.setattr(memory, "SCROLL_PAGE", 4)
    source, target = InMemoryVectorStore(), InMemoryVectorStore()
    source.ensure(SPACE)
    source.replace(SPACE, TENANT, make_scope(), make_points(10))
    source.replace(SPACE, "rival", make_scope(), make_points(3, tenant="rival"))
    return source, target


def copy(stores, after=None):
    told = []
    copy_points(*stores, SPACE, after=after, on_page=lambda last, n: told.append((last, n)))
    return told


def compare(stores):
    return compare_points(*stores, SPACE, lambda _n: None)


def test_all_points_of_all_tenants_arrive(stores):
    told = copy(stores)

    assert [n for _, n in told] == [4, 4, 4, 1]
    assert (stores[1].count(SPACE, TENANT), stores[1].count(SPACE, "rival")) == (10, 3)
    found = compare(stores)
    assert found.is_same
    assert (found.n_source, found.n_target) == (13, 13)


def test_copy_goes_on_behind_the_last_confirmed_page(stores):
    told = copy(stores)
    stores[1].drop(SPACE)

    again = copy(stores, after=told[1][0])

    assert again == told[2:]
    assert compare(stores).n_missing == 8


def test_page_counts_only_when_it_is_confirmed(stores, monkeypatch):
    def refuse(space, points):
        raise TimeoutError

    monkeypatch.setattr(stores[1], "put", refuse)
    told = []

    with pytest.raises(TimeoutError):
        copy_points(*stores, SPACE, after=None, on_page=lambda *page: told.append(page))
    assert told == []


def test_empty_space_is_made_too(stores):
    stores[0].drop(SPACE)

    assert copy(stores) == []
    assert stores[1].collections() == [SPACE.collection]


def test_comparison_tells_what_is_missing_extra_and_different(stores):
    copy(stores)
    missing, extra, different = make_point(20), make_point(21), make_point(3, page=7)
    stores[0].put(SPACE, own(missing))
    stores[1].put(SPACE, own(extra, different))

    found = compare(stores)

    assert (found.n_missing, found.n_extra, found.n_different) == (1, 1, 1)
    assert (found.n_source, found.n_target) == (14, 14)
    assert {*found.examples} == {str(point.id) for point in (missing, extra, different)}
    assert not found.is_same


def test_comparison_names_a_few_only(stores):
    stores[1].ensure(SPACE)

    found = compare(stores)

    assert (found.n_missing, len(found.examples)) == (13, 5)


def nudged(by):
    point = make_point(0)
    point.dense[0] += np.float32(by)
    return point


@pytest.mark.parametrize(
    ("theirs", "same"),
    [
        (own(make_point(0)), True),
        (own(nudged(TOLERANCE / 2)), True),
        (own(nudged(3 * TOLERANCE)), False),
        (own(make_point(0, language="en")), False),
        (own(make_point(0), tenant="rival"), False),
        (own(make_point(0, sparse=Sparse([1], [1.0]))), False),
    ],
)
def test_last_bits_of_a_vector_do_not_matter_and_all_else_does(theirs, same):
    assert is_same_point(own(make_point(0))[0], theirs[0]) is same


def test_terms_are_compared_as_engines_store_them():
    ours = own(make_point(0, sparse=Sparse([1, 2], [0.1, 0.2])))[0]
    stored = [float(np.float32(x)) for x in (0.2, 0.1)]

    assert is_same_point(ours, own(make_point(0, sparse=Sparse([2, 1], stored)))[0])
    assert not is_same_point(ours, own(make_point(0, sparse=Sparse([1, 2], stored)))[0])


def test_ids_are_compared_as_numbers(stores):
    copy(stores)
    low = OwnedPoint(tenant=TENANT, point=make_point(30))
    object.__setattr__(low.point, "id", UUID(int=1))
    stores[1].put(SPACE, [low])

    assert (compare(stores).n_extra, compare(stores).n_missing) == (1, 0)
