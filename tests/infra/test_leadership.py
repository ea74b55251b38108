"""One leader at a time; the lead goes over when the leader's connection dies."""

import time

import pytest
from sqlalchemy import text

from infra.database import Database
from infra.leadership import Leadership
from schemas.errors import DatabaseUnavailable


@pytest.fixture
def candidates(postgres):
    """Two processes, as the server sees them."""
    url = postgres.url.render_as_string(hide_password=False)
    databases = [Database(url), Database(url)]
    leaders = [Leadership(database, "sweeping") for database in databases]
    yield leaders
    for leader, database in zip(leaders, databases, strict=True):
        leader.close()
        database.close()


def test_one_leads_and_the_other_does_not(candidates):
    first, second = candidates

    assert [first.hold(), second.hold(), first.hold(), second.hold()] == [True, False, True, False]


def test_lead_that_is_given_up_is_taken(candidates):
    first, second = candidates
    first.hold()
    first.hold()

    first.close()

    assert second.hold()
    assert not first.hold()


def test_matters_have_leaders_of_their_own(candidates, postgres):
    first, _ = candidates
    other = Leadership(postgres, "watering the plants")

    assert first.hold()
    assert other.hold()
    other.close()


def test_lead_of_a_process_that_died_is_taken(candidates, postgres):
    first, second = candidates
    first.hold()
    with postgres.session_scope() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks "
                "WHERE locktype = 'advisory' AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )

    time.sleep(0.1)  # the server ends it a moment later
    with pytest.raises(DatabaseUnavailable):
        first.hold()
    assert second.hold()
    assert not first.hold()


def test_leader_keeps_no_transaction_open(candidates, postgres):
    first, _ = candidates
    first.hold()

    with postgres.read_scope() as session:
        states = session.scalars(
            text("SELECT state FROM pg_stat_activity WHERE query LIKE '%advisory_lock%'")
        ).all()

    assert "idle in transaction" not in states


def test_only_process_on_a_file_leads(database):
    assert Leadership(database, "sweeping").hold()
