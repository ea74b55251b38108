"""Names of members; tests/infra/test_catalog.py has those of objects."""

import pytest

from infra.names import find_assets
from tests.factories import plant_asset
from tests.infra.test_holders import put


@pytest.fixture
def session(database):
    with database.session_scope() as session:
        yield session


@pytest.fixture
def mail(session):
    return plant_asset(session, key="in/mail.eml")


@pytest.mark.parametrize(
    "name", ["mail.eml > a.zip", "s3://b/in/mail.eml > a.zip", "in/mail.eml \u203a a.zip"]
)
def test_member_is_named_behind_its_parent(session, mail, name):
    (inner,) = put(session, mail, **{"a.zip": "1"})

    assert find_assets(session, "t", name) == [inner]
    assert find_assets(session, "u", name) == []


def test_member_of_a_member_is_named_behind_both(session, mail):
    (inner,) = put(session, mail, **{"a.zip": "1"})
    (innermost,) = put(session, inner, **{"x/b.pdf": "2"})

    assert find_assets(session, "t", "mail.eml > a.zip > x/b.pdf") == [innermost]


@pytest.mark.parametrize("name", ["a.zip", "/a.zip", "mail.eml > b.zip", "other.eml > a.zip"])
def test_nobody_means_a_member_who_names_an_object(session, mail, name):
    put(session, mail, **{"a.zip": "1"})

    assert find_assets(session, "t", name) == []


def test_object_whose_name_looks_like_it_is_found_first(session, mail):
    put(session, mail, **{"a.zip": "1"})
    named = plant_asset(session, key="in/mail.eml > a.zip")

    assert find_assets(session, "t", "mail.eml > a.zip") == [named]


def test_member_is_named_by_its_id(session, mail):
    (inner,) = put(session, mail, **{"a.zip": "1"})

    assert find_assets(session, "t", str(inner)) == [inner]
