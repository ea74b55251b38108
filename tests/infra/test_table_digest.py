"""Digests of tables say whether two databases hold the same rows."""

import pytest
from sqlalchemy import text, update

from infra.table_copy import keys_below
from infra.table_digest import digest
from infra.tables import ArtifactRow, AssetRow
from tests.factories import plant_asset
from tests.infra.test_table_copy import copy, fill, target

__all__ = ["target"]

ASSETS = AssetRow.__table__


def of(database, table=ASSETS, rewrite=None):
    with database.read_scope() as session:
        return digest(session, table, rewrite)


def test_same_rows_have_the_same_digest_in_both_databases(database, target):
    fill(database)
    copy(database, target, keys_below("p/"))

    assert of(target) == of(database)
    assert of(database).n_rows == 3
    artifacts = ArtifactRow.__table__
    assert of(database, artifacts, keys_below("p/")["artifacts"]) == of(target, artifacts)
    assert of(database, artifacts) != of(target, artifacts)


def test_empty_table_has_a_digest(database, target):
    assert of(database) == of(target) == (0, "0" * 32)


def test_order_of_rows_does_not_matter(target):
    with target.session_scope() as session:
        for _ in range(3):
            plant_asset(session)
    before = of(target)
    with target.session_scope() as session:  # Postgres moves a changed row to the end
        first = session.scalar(text("SELECT id FROM assets LIMIT 1"))
        session.execute(text("UPDATE assets SET priority = priority WHERE id = :i"), {"i": first})

    assert of(target) == before


@pytest.mark.parametrize(
    "change", [{"visible": False}, {"created_at": 1.5}, {"facts": {}}, {"tenant": "u"}]
)
def test_any_change_of_a_value_changes_the_digest(any_database, change):
    with any_database.session_scope() as session:
        plant_asset(session)
        chosen = plant_asset(session)
    before = of(any_database)
    with any_database.session_scope() as session:
        session.execute(update(AssetRow).where(AssetRow.id == chosen).values(**change))

    assert of(any_database) != before
    assert of(any_database).n_rows == 2
