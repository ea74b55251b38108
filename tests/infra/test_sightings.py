"""Rows that looks at a bucket are checked against."""

import pytest
from sqlalchemy import select

from infra.admission import Admissions
from infra.catalog import Catalog
from infra.sightings import Sighting, Sightings
from infra.tables import ObjectRow
from schemas.job import Priority
from tests.factories import make_head, make_ref

A, B = make_ref(key="a"), make_ref(key="b")


def admit(database, ref, tenant="t", etag="e1"):
    with database.session_scope() as session:
        head = make_head(bucket=ref.bucket, key=ref.key, etag=etag)
        (admission,) = Admissions(session).admit(tenant, [head], Priority.NORMAL, "p")
        return admission.asset_id


def counts(database, *refs):
    with database.read_scope() as session:
        return Sightings(session).counts("t", refs)


def take(database, counted):
    with database.session_scope() as session:
        return Sightings(session).take("t", counted)


def page(database, prefix="", after="", limit=100):
    with database.read_scope() as session:
        found = Sightings(session).page("t", "b", prefix, after=after, limit=limit)
    return [sighting.key for sighting in found]


def test_what_was_never_seen_counts_nothing(any_database):
    assert counts(any_database, A, B) == {A: 0, B: 0}


def test_a_look_is_taken_once(any_database):
    admit(any_database, A)
    counted = counts(any_database, A, B)

    assert take(any_database, counted).keys() == {A, B}
    assert take(any_database, counted) == {}
    assert take(any_database, counts(any_database, A, B)).keys() == {A, B}


def test_a_look_at_what_was_admitted_meanwhile_is_refused(any_database):
    counted = counts(any_database, A)
    admit(any_database, A)

    assert take(any_database, counted) == {}


def test_a_look_at_what_was_dropped_meanwhile_is_refused(any_database):
    admit(any_database, A)
    counted = counts(any_database, A)
    with any_database.session_scope() as session:
        Catalog(session).drop_object("t", A)

    assert take(any_database, counted) == {}


def test_taking_says_what_was_recorded(any_database):
    asset_id = admit(any_database, A)
    generation = make_head(key="a").generation

    assert take(any_database, counts(any_database, A))[A] == Sighting("a", generation, is_held=True)

    with any_database.session_scope() as session:
        Catalog(session).tombstone([asset_id])
    assert take(any_database, counts(any_database, A))[A] == Sighting(
        "a", generation, is_held=False
    )


def test_a_dropped_object_holds_no_generation(any_database):
    admit(any_database, A)
    with any_database.session_scope() as session:
        Catalog(session).drop_object("t", A)

    assert take(any_database, counts(any_database, A))[A] == Sighting("a", "", is_held=False)


def test_an_absent_key_keeps_its_place_and_can_be_admitted(any_database):
    take(any_database, counts(any_database, A))

    assert counts(any_database, A) == {A: 1}
    asset_id = admit(any_database, A)
    with any_database.read_scope() as session:
        assert session.scalars(select(ObjectRow.asset_id)).all() == [asset_id]


def test_tenants_and_buckets_do_not_meet(any_database):
    admit(any_database, A, tenant="u")
    admit(any_database, make_ref(bucket="c", key="a"))

    assert counts(any_database, A) == {A: 0}
    assert page(any_database) == []


def test_more_keys_than_one_statement_takes(any_database):
    refs = [make_ref(key=f"{n:04}") for n in range(1001)]

    taken = take(any_database, counts(any_database, *refs))

    assert len(taken) == 1001
    assert set(counts(any_database, *refs).values()) == {1}


ORDERED = ["B", "a-b/c", "a.txt", "a/b", "a/c/d", "a0", "b", "é", "😀"]


def test_pages_are_in_the_order_of_listings(any_database):
    for key in reversed(ORDERED):
        admit(any_database, make_ref(key=key))

    assert page(any_database) == ORDERED
    assert page(any_database, after="a/b", limit=2) == ["a/c/d", "a0"]
    assert page(any_database, prefix="a/") == ["a/b", "a/c/d"]
    assert page(any_database, prefix="a/", after="a/b") == ["a/c/d"]
    assert page(any_database, prefix="a/", after="A") == ["a/b", "a/c/d"]


@pytest.mark.parametrize("prefix", ["z", "é"])
def test_a_page_ends_with_its_prefix(any_database, prefix):
    admit(any_database, make_ref(key="é1"))

    assert page(any_database, prefix=prefix) == (["é1"] if prefix == "é" else [])


def test_what_a_prefix_holds_is_counted(any_database):
    for key in ("a/1", "a/2", "a/3", "b"):
        admit(any_database, make_ref(key=key))
    with any_database.session_scope() as session:
        Catalog(session).drop_object("t", make_ref(key="a/2"))
        assert Sightings(session).count_held("t", "b", "a/") == 2
        assert Sightings(session).count_held("t", "b", "") == 3
        assert Sightings(session).count_held("u", "b", "") == 0
