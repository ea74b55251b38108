"""Rows from SQLite to Postgres, as they were stored."""

import json

import pytest
from sqlalchemy import func, insert, null, select, text

from infra import table_copy
from infra.contents import Contents
from infra.holdings import CONTENT_TABLES, Holdings
from infra.table_copy import copy_rows, keys_below, raw_rows
from infra.tables import ArtifactRow, AssetRow, Base, FailureRow, JobRow, OutboxRow, SegmentRow
from schemas.errors import ConfigurationError, DatabaseUnavailable
from tests.factories import claim_all, make_artifact, make_plan, make_segment, plant_asset

#: Text that a copy must not touch.
AWKWARD = "tab\t line\nback\\slash \\. \\N 'quote\" caf\u00e9 \U0001f600 \u202e"


@pytest.fixture
def target(postgres):
    """An empty Postgres."""
    names = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with postgres.session_scope() as session:
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    return postgres


def fill(database, n_assets=3):
    """Rows of most tables, with what is awkward in them."""
    with database.session_scope() as session:
        for n in range(n_assets):
            asset_id = plant_asset(session, [make_plan(), make_plan(stage="ocr")], tenant=AWKWARD)
            (job,) = claim_all(session, "ocr")
            segments = [
                make_segment(ordinal=i, text=AWKWARD, extra={"a": [n, 0.1, None, AWKWARD]})
                for i in range(2)
            ]
            Contents(session).put_segments([(job, {0: segments})])
            Contents(session).put_artifacts({asset_id: [make_artifact(key=f"t/{asset_id}/x")]})
            failure = {"stage": "ocr", "attempt": 1, "category": "X", "message": AWKWARD}
            session.execute(
                insert(FailureRow).values(
                    asset_id=asset_id, job_id=job.job_id, locator=null(), **failure
                )
            )


def copy(source, target, rewrites=None, on_rows=lambda n: None):
    with source.read_scope() as ours, target.session_scope() as theirs:
        copy_rows(ours, theirs, rewrites or {}, on_rows)


def stored(database, table):
    with database.read_scope() as session:
        return sorted((row for rows in raw_rows(session, table) for row in rows), key=repr)


def test_every_value_arrives_as_it_was(database, target):
    fill(database)

    copy(database, target)

    filled = [table for table in CONTENT_TABLES if stored(database, table)]
    assert len(filled) == 6
    for table in CONTENT_TABLES:
        assert stored(target, table) == stored(database, table)


def test_what_arrives_reads_the_same(database, target):
    fill(database)

    copy(database, target)

    for row in (AssetRow, SegmentRow, ArtifactRow, JobRow, FailureRow):
        read = []
        for each in (database, target):
            with each.read_scope() as session:
                rows = session.execute(select(row.__table__)).mappings().all()
                read.append(sorted((dict(found) for found in rows), key=repr))
        assert read[0] == read[1]
        assert read[0]


def test_null_stays_null_and_json_null_stays_json(database, target):
    """Python's None is either, and a query tells them apart."""
    with database.session_scope() as session:
        first, second = plant_asset(session), plant_asset(session)
        change = text("UPDATE assets SET facts = :facts WHERE id = :id")
        session.execute(change, {"facts": "null", "id": first.hex})
        session.execute(change, {"facts": None, "id": second.hex})

    copy(database, target)

    with target.read_scope() as session:
        found = session.execute(text("SELECT id, facts::text FROM assets")).all()
    assert dict(map(tuple, found)) == {first: "null", second: None}


def test_progress_is_told_and_adds_up(database, target, monkeypatch):
    monkeypatch.setattr(table_copy, "CHUNK_ROWS", 2)
    fill(database)
    told = []

    copy(database, target, on_rows=told.append)

    with database.read_scope() as session:
        assert sum(told) == sum(Holdings(session).n_rows().values())
    assert max(told) == 2


def test_next_ids_follow_those_that_came(database, target):
    fill(database)

    copy(database, target)

    with target.session_scope() as session:
        highest = session.scalar(select(func.max(FailureRow.id)))
        asset_id, job_id = session.execute(select(JobRow.asset_id, JobRow.id)).first()
        more = {"asset_id": asset_id, "job_id": job_id, "stage": "ocr", "attempt": 1}
        statement = insert(FailureRow).values(**more, category="X", message="m")
        assert session.scalar(statement.returning(FailureRow.id)) == highest + 1
        event = {"tenant": "t", "topic": "asset.ready", "asset_id": asset_id, "created_at": 1.0}
        assert session.scalar(insert(OutboxRow).values(**event).returning(OutboxRow.id)) == 1


def test_keys_of_artifacts_move_below_a_prefix(database, target):
    fill(database, 1)

    copy(database, target, keys_below("made/here/"))

    with database.read_scope() as ours, target.read_scope() as theirs:
        key = ours.scalar(select(ArtifactRow.key))
        assert theirs.scalar(select(ArtifactRow.key)) == f"made/here/{key}"
    assert keys_below("") == {}


def test_target_with_rows_is_left_alone(database, target):
    fill(database)
    with target.session_scope() as session:
        theirs = plant_asset(session)

    with pytest.raises(ConfigurationError, match="assets, objects hold rows"):
        copy(database, target)

    with target.read_scope() as session:
        assert session.scalars(select(AssetRow.id)).all() == [theirs]


def test_lost_connection_leaves_nothing_behind(database, target):
    """The server ends the session in the middle of COPY."""
    fill(database)
    calls = []

    def lose(n_rows):
        calls.append(n_rows)
        if len(calls) == 3:
            with target.session_scope() as session:
                session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE pid <> pg_backend_pid() AND query LIKE 'COPY%' "
                        "AND datname = current_database()"
                    )
                )

    with pytest.raises(DatabaseUnavailable):
        copy(database, target, on_rows=lose)

    with target.read_scope() as session:
        assert Holdings(session).filled_tables() == []


def test_json_is_not_written_anew(database):
    """Its text is what both sides are compared by."""
    odd = '{"b":1,   "a": 1.50}'
    with database.session_scope() as session:
        plant_asset(session)
        session.execute(text("UPDATE assets SET facts = :odd"), {"odd": odd})

    (row,) = stored(database, AssetRow.__table__)

    assert odd in row
    assert json.loads(odd)["a"] == 1.5
