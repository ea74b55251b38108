"""Queries of every round stay on the small partial indexes, whatever lies in the tables."""

import pytest
from sqlalchemy import event, text

from infra.backlog import Backlog
from infra.catalog import Catalog
from infra.ledger import Ledger
from schemas.job import Priority
from tests.factories import make_plan, plant_asset

#: What asks, and the index that must answer.
HOT = {
    "ready_classes": (lambda s: Backlog(s).ready_classes(["ocr"]), "ix_jobs_ready"),
    "take_ready": (
        lambda s: Backlog(s).take_ready("ocr", "v1", 9, priorities=[Priority.NORMAL]),
        "ix_jobs_ready",
    ),
    "batches_in_flight": (lambda s: Backlog(s).batches_in_flight("ocr"), "ix_jobs_in_flight"),
    "give_back": (lambda s: Backlog(s).give_back_undelivered(60, {}), "ix_jobs_in_flight"),
    "sweep": (lambda s: Ledger(s).sweep(), "ix_jobs_lease"),
    # SQLite takes the index of all states where it has the choice.
    "unpurged": (lambda s: Catalog(s).unpurged(9), "ix_assets_"),
}


@pytest.fixture
def plans_of(any_database):
    """Plans of the statements that a call sends."""
    with any_database.session_scope() as session:
        for _ in range(3):
            plant_asset(session, [make_plan(stage="ocr")])
        if not any_database.is_sqlite:
            # On so few rows reading them all is cheapest; the question is what could be used.
            session.execute(text("SET LOCAL enable_seqscan = off"))
        yield lambda ask: plans(any_database, session, ask)


def plans(database, session, ask):
    connection, sent = session.connection(), []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        ask(session)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    return [
        "\n".join(
            str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)
        )
        for statement, parameters in sent
    ]


@pytest.mark.parametrize("name", HOT)
def test_hot_query_is_answered_by_its_index(plans_of, name):
    ask, index = HOT[name]

    shown = plans_of(ask)

    assert shown
    assert all(index in plan for plan in shown), shown


def test_settling_nothing_asks_nothing(plans_of):
    assert plans_of(lambda session: Ledger(session).settle([])) == []


def test_index_holds_no_job_that_has_ended(any_database):
    if any_database.is_sqlite:
        pytest.skip("SQLite does not tell the size of an index")
    with any_database.session_scope() as session:
        plant_asset(session, [make_plan(stage="ocr", part=part) for part in range(300)])
        session.execute(text("UPDATE jobs SET state = 'done'"))
    with any_database.engine.connect().execution_options(
        isolation_level="AUTOCOMMIT"
    ) as autonomous:
        autonomous.execute(text("VACUUM ANALYZE jobs"))
        n_rows = autonomous.scalar(
            text("SELECT reltuples FROM pg_class WHERE oid = 'ix_jobs_ready'::regclass")
        )

    assert n_rows == 0
