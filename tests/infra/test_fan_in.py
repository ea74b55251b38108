"""What follows when jobs end, also when two end at the same moment; on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from infra.backlog import Backlog
from infra.catalog import Catalog
from infra.fan_in import insert_absent, settle_assets
from infra.ledger import Ledger
from infra.tables import AssetRow, JobRow, OutboxRow
from schemas.asset import AssetState
from schemas.events import EventType
from tests.factories import claim_all, make_failure, make_plan, plant_asset

OCR = make_plan(stage="ocr", source="view")
CAPTION = make_plan(stage="caption", source="view")
TEXT_OF_BOTH = make_plan(stage="embed_text", source="ocr", after=(("ocr", 0), ("caption", 0)))
DEEPER = make_plan(stage="deeper", source="embed_text", after=(("embed_text", 0),))


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def session(database):
    with database.session_scope() as session:
        yield session


def states(session):
    session.expire_all()
    rows = session.execute(select(JobRow.stage, JobRow.state))
    return {stage: state.value for stage, state in rows}


def asset_state(session, asset_id):
    session.expire_all()
    return session.get_one(AssetRow, asset_id).state


def topics(session):
    return list(session.scalars(select(OutboxRow.topic).order_by(OutboxRow.id)))


def end(session, stage, *, well=True):
    """Claim and end all jobs of a stage."""
    jobs, ledger = claim_all(session, stage), Ledger(session)
    for job in jobs:
        assert ledger.complete(job, seconds=1) if well else ledger.fail(job, make_failure())
    ledger.settle(jobs)


def test_child_waits_for_its_last_parent(session):
    plant_asset(session, [OCR, CAPTION, TEXT_OF_BOTH])

    end(session, "ocr")
    assert states(session)["embed_text"] == "waiting"

    end(session, "caption")
    assert states(session)["embed_text"] == "ready"


def test_child_runs_if_one_of_its_parents_has_text(session):
    plant_asset(session, [OCR, CAPTION, TEXT_OF_BOTH])

    end(session, "ocr", well=False)
    end(session, "caption")

    assert states(session)["embed_text"] == "ready"


def test_child_is_cancelled_when_nothing_is_left_to_read(session):
    asset_id = plant_asset(session, [make_plan(), OCR, CAPTION, TEXT_OF_BOTH])
    end(session, "prepare")

    end(session, "ocr", well=False)
    end(session, "caption", well=False)

    row = session.scalar(select(JobRow).where(JobRow.stage == "embed_text"))
    assert (row.state.value, row.error_class) == ("cancelled", "NothingToRead")
    assert row.finished_at is not None
    assert asset_state(session, asset_id) is AssetState.PARTIAL


def test_cancellation_reaches_the_children_of_children(session):
    plant_asset(session, [OCR, CAPTION, TEXT_OF_BOTH, DEEPER])

    end(session, "ocr", well=False)
    end(session, "caption", well=False)

    assert states(session)["deeper"] == "cancelled"


def test_child_of_one_good_and_one_cancelled_parent_runs(session):
    reads_both = make_plan(stage="late", source="ocr", after=(("good", 0), ("child", 0)))
    child = make_plan(stage="child", source="bad", after=(("bad", 0),))
    good, bad = make_plan(stage="good"), make_plan(stage="bad")
    plant_asset(session, [good, bad, child, reads_both])
    end(session, "good")

    end(session, "bad", well=False)

    assert states(session) == {
        "good": "done",
        "bad": "failed",
        "child": "cancelled",
        "late": "ready",
    }


def test_settle_twice_tells_once(session):
    asset_id = plant_asset(session, [make_plan()])
    end(session, "prepare")

    settle_assets(session, [asset_id])

    assert asset_state(session, asset_id) is AssetState.READY
    assert topics(session) == [EventType.ASSET_READY]


@pytest.mark.parametrize("well", [True, False])
def test_asset_comes_to_rest_with_its_last_job(session, well):
    asset_id = plant_asset(session, [make_plan(), OCR])
    end(session, "prepare")
    assert (asset_state(session, asset_id), topics(session)) == (AssetState.PROCESSING, [])

    end(session, "ocr", well=well)

    rests = AssetState.READY if well else AssetState.PARTIAL
    assert asset_state(session, asset_id) is rests
    assert topics(session) == [EventType.ASSET_READY if well else EventType.ASSET_PARTIAL]


def test_asset_that_is_tried_again_is_told_again(session):
    asset_id = plant_asset(session, [make_plan()])
    end(session, "prepare", well=False)
    Backlog(session).retry("t")
    assert asset_state(session, asset_id) is AssetState.PROCESSING

    end(session, "prepare")

    assert topics(session) == [EventType.ASSET_FAILED, EventType.ASSET_READY]


def test_asset_that_was_prepared_anew_follows_the_newest_preparation(session):
    asset_id = plant_asset(session, [make_plan()])
    end(session, "prepare")
    jobs = [make_plan(version="v2")]
    Backlog(session).plan(asset_id, "t", jobs, 1)
    (job,) = claim_all(session, "prepare", "v2")

    Ledger(session).fail(job, make_failure())
    Ledger(session).settle([job])

    assert asset_state(session, asset_id) is AssetState.FAILED


def test_deleted_asset_stays_deleted_whatever_its_jobs_do(session):
    asset_id = plant_asset(session, [make_plan()])
    (job,) = claim_all(session, "prepare")
    Catalog(session).tombstone([asset_id])

    Ledger(session).complete(job, seconds=1)
    Ledger(session).settle([job])

    assert asset_state(session, asset_id) is AssetState.DELETED
    assert topics(session) == [EventType.ASSET_DELETED]


def test_parents_that_end_at_the_same_moment_do_not_miss_each_other(database):
    """Under READ COMMITTED neither would see the other end, were the asset not locked first."""
    n_assets = 8
    with database.session_scope() as session:
        for _ in range(n_assets):
            plant_asset(session, [OCR, CAPTION, TEXT_OF_BOTH])
        held = {stage: claim_all(session, stage) for stage in ("ocr", "caption")}
    together = threading.Barrier(2, timeout=60)

    def end_each(stage):
        for job in sorted(held[stage], key=lambda job: job.asset_id):
            with database.session_scope() as session:
                together.wait()
                ledger = Ledger(session)
                assert ledger.complete(job, seconds=1)
                ledger.settle([job])

    if database.is_sqlite:
        together = threading.Barrier(1)  # one writer at a time: they cannot meet inside
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(end_each, held))

    with database.session_scope() as session:
        woken = Backlog(session).take_ready("embed_text", "v1", 100)
    assert len(woken) == n_assets


def test_insert_absent_of_nothing_is_nothing(session):
    insert_absent(session, JobRow, [])

    assert session.scalars(select(JobRow)).all() == []
