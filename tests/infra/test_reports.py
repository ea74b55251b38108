"""What the database holds, told to people: hand-made rows in, reports out."""

from uuid import UUID

import pytest
from sqlalchemy import insert, update

from infra import reports
from infra.catalog import Catalog
from infra.contents import Contents
from infra.database import db_now
from infra.reports import Reports
from infra.tables import ArtifactRow, AssetRow, FailureRow, JobRow
from schemas.asset import ArtifactKind, AssetState, MediaType, ObjectRef
from schemas.job import JobState
from schemas.segment import Page, TimeSpan
from tests.factories import (
    VERSION,
    make_facts,
    make_failure,
    make_job,
    make_model,
    make_plan,
    make_segment,
    plant_asset,
)


@pytest.fixture
def session(any_database):
    with any_database.session_scope() as session:
        yield session


def set_jobs(session, asset_id: UUID, stage: str, part: int = 0, **values) -> None:
    where = (JobRow.asset_id == asset_id, JobRow.stage == stage, JobRow.part == part)
    session.execute(update(JobRow).where(*where).values(**values))


def set_asset(session, asset_id: UUID, **values) -> None:
    session.execute(update(AssetRow).where(AssetRow.id == asset_id).values(**values))


def plant_failure(session, asset_id: UUID, failure) -> None:
    job = session.query(JobRow).filter_by(asset_id=asset_id, stage=failure.stage).first()
    locator = failure.locator.model_dump() if failure.locator else None
    session.execute(
        insert(FailureRow).values(
            asset_id=asset_id,
            job_id=job.id,
            locator=locator,
            **failure.model_dump(exclude={"locator"}),
        )
    )


def plant_parts(session, n_parts: int, stage: str = "ocr") -> UUID:
    plans = [make_plan(stage=stage, part=part, source="view") for part in range(n_parts)]
    return plant_asset(session, plans, key="a.pdf")


def put_segments(session, asset_id: UUID, stage: str, segments) -> None:
    job = make_job(asset_id=asset_id, stage=stage)
    Contents(session).put_segments([(job, {0: segments})])


def ingested_stage(session, stage: str = "ocr"):
    (report,) = Reports(session, "t").ingested([ObjectRef(bucket="b", key="a.pdf")])
    return report.stages[stage]


# -- counts ----------------------------------------------------------------------------------


def test_jobs_are_counted_by_stage_and_state(session):
    first = plant_asset(session, [make_plan(), make_plan(stage="ocr", source="view")])
    plant_asset(session, [make_plan()])
    set_jobs(session, first, "prepare", state=JobState.DONE)

    counts = Reports(session, "t").jobs_by_state()

    assert counts["prepare"] == {JobState.DONE: 1, JobState.READY: 1}
    assert counts["ocr"] == {JobState.READY: 1}
    assert counts["caption"] == {}
    assert list(counts)[:2] == ["prepare", "ocr"]


def test_jobs_of_a_stage_of_another_release_are_counted_last(session):
    plant_asset(session, [make_plan(stage="sing", source="view")])

    assert list(Reports(session, "t").jobs_by_state())[-1] == "sing"


def test_counts_are_of_one_tenant(session):
    plant_asset(session, [make_plan()], tenant="other")

    mine = Reports(session, "t")
    assert mine.jobs_by_state()["prepare"] == {}
    assert mine.assets_by_state() == {}


def test_assets_are_counted_without_deleted_ones(session):
    for state in (AssetState.READY, AssetState.READY, AssetState.FAILED, AssetState.DELETED):
        set_asset(session, plant_asset(session), state=state)

    assert Reports(session, "t").assets_by_state() == {AssetState.READY: 2, AssetState.FAILED: 1}


def test_rate_counts_the_last_minute_and_promises_the_rest(session):
    asset_id = plant_parts(session, 10)
    for part in range(3):
        set_jobs(session, asset_id, "ocr", part, state=JobState.DONE, finished_at=db_now())
    long_ago = db_now() - 61.0
    set_jobs(session, asset_id, "ocr", 3, state=JobState.DONE, finished_at=long_ago)

    status = Reports(session, "t").stages()["ocr"]

    assert status.jobs == {JobState.DONE: 4, JobState.READY: 6}
    assert status.rate_per_s == pytest.approx(3 / 60, abs=1e-3)
    assert status.eta_s == pytest.approx(6 / (3 / 60))


def test_no_time_is_promised_while_nothing_moves(session):
    plant_parts(session, 2)

    assert Reports(session, "t").stages()["ocr"].eta_s is None


# -- open jobs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        (JobState.WAITING, True),
        (JobState.READY, True),
        (JobState.DISPATCHED, True),
        (JobState.RUNNING, True),
        (JobState.DONE, False),
        (JobState.FAILED, False),
        (JobState.QUARANTINED, False),
        (JobState.CANCELLED, False),
    ],
)
def test_job_is_open_until_it_has_ended(session, state, is_open):
    set_jobs(session, plant_parts(session, 1), "ocr", state=state)

    assert Reports(session, "t").has_open({"prepare": VERSION, "ocr": VERSION}) is is_open


def test_jobs_of_other_versions_are_not_waited_for(session):
    plant_parts(session, 1)

    assert not Reports(session, "t").has_open({"ocr": "another"})


# -- ingested --------------------------------------------------------------------------------


def test_ingested_keeps_the_order_of_the_objects(session):
    keys = ["c.jpg", "a.jpg", "b.jpg"]
    for key in sorted(keys):
        plant_asset(session, key=key)

    refs = [ObjectRef(bucket="b", key=key) for key in keys]
    found = Reports(session, "t").ingested(refs)

    assert [report.uri for report in found] == [ref.uri for ref in refs]


def test_ingested_tells_buckets_with_equal_keys_apart(session):
    first = plant_asset(session, bucket="b", key="a.jpg")
    second = plant_asset(session, bucket="c", key="a.jpg")

    refs = [ObjectRef(bucket=bucket, key="a.jpg") for bucket in "cb"]
    found = Reports(session, "t").ingested(refs)

    assert [report.asset_id for report in found] == [second, first]


def test_ingested_leaves_out_what_has_no_asset(session):
    plant_asset(session, tenant="other", key="a.jpg")

    refs = [ObjectRef(bucket="b", key="a.jpg"), ObjectRef(bucket="b", key="never.jpg")]
    assert Reports(session, "t").ingested(refs) == []


def test_ingested_reads_any_number_of_objects(session, monkeypatch):
    monkeypatch.setattr(reports, "_IN_LIST", 3)
    refs = [ObjectRef(bucket="b", key=f"{n}.jpg") for n in range(8)]
    for ref in refs:
        plant_asset(session, [make_plan()], key=ref.key)

    found = Reports(session, "t").ingested(refs)

    assert [report.uri for report in found] == [ref.uri for ref in refs]
    assert all(report.stages["prepare"].state is JobState.READY for report in found)


def test_ingested_knows_both_objects_of_one_content(session):
    asset_id = plant_asset(session, key="a.jpg")
    other = plant_asset(session, key="b.jpg")
    Catalog(session).merge(other, into=asset_id)

    refs = [ObjectRef(bucket="b", key="b.jpg"), ObjectRef(bucket="b", key="a.jpg")]
    found = Reports(session, "t").ingested(refs)

    assert [(report.uri, report.asset_id) for report in found] == [
        ("s3://b/b.jpg", asset_id),
        ("s3://b/a.jpg", asset_id),
    ]


# -- stages of an asset ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (["done", "done"], "done"),
        (["done", "waiting"], "waiting"),
        (["ready", "waiting"], "ready"),
        (["running", "dispatched"], "running"),
        (["failed", "running"], "failed"),
        (["failed", "quarantined"], "quarantined"),
        (["cancelled", "done"], "cancelled"),
    ],
)
def test_stage_of_several_parts_is_as_well_as_its_worst(session, states, worst):
    asset_id = plant_parts(session, len(states))
    for part, state in enumerate(states):
        set_jobs(session, asset_id, "ocr", part, state=JobState(state))

    assert ingested_stage(session).state == worst


def test_stage_sums_seconds_and_counts_segments(session):
    asset_id = plant_parts(session, 2)
    set_jobs(session, asset_id, "ocr", 0, seconds=0.25)
    set_jobs(session, asset_id, "ocr", 1, seconds=1.5)
    segments = [make_segment(ordinal=n) for n in range(3)]
    put_segments(session, asset_id, "ocr", segments)

    stage = ingested_stage(session)

    assert (stage.seconds, stage.n_segments) == (1.75, 3)


def test_stage_tells_the_error_of_its_worst_part(session):
    asset_id = plant_parts(session, 2)
    tried = {"error_class": "DeviceOutOfMemory", "error_text": "no room"}
    lost = {"error_class": "UnreadableMedia", "error_text": "page 7 is torn"}
    set_jobs(session, asset_id, "ocr", 0, state=JobState.DONE, **tried)
    set_jobs(session, asset_id, "ocr", 1, state=JobState.FAILED, **lost)

    assert ingested_stage(session).error == "UnreadableMedia: page 7 is torn"


def test_stage_that_is_done_has_no_error(session):
    tried = {"error_class": "DeviceOutOfMemory", "error_text": "no room"}
    set_jobs(session, plant_parts(session, 1), "ocr", state=JobState.DONE, **tried)

    assert ingested_stage(session).error is None


def test_stage_with_a_text_alone_tells_that(session):
    values = {"state": JobState.QUARANTINED, "error_text": "gave up"}
    set_jobs(session, plant_parts(session, 1), "ocr", **values)

    assert ingested_stage(session).error == "gave up"


def test_stages_name_the_model_and_whether_it_is_trained(session):
    plans = [make_plan(stage=stage, source="view") for stage in ("caption", "ocr")]
    plant_asset(session, plans, key="a.pdf")
    models = {"ocr": make_model(source="m"), "caption": make_model(source="c", random_weights=True)}

    ref = ObjectRef(bucket="b", key="a.pdf")
    (report,) = Reports(session, "t", models).ingested([ref])

    titles = [(name, stage.model) for name, stage in report.stages.items()]
    assert titles == [("ocr", "m"), ("caption", "c (random weights)")]


# -- failures --------------------------------------------------------------------------------


def test_failures_tell_object_page_and_time(session):
    asset_id = plant_parts(session, 1)
    found = [
        make_failure(locator=Page(page=7)),
        make_failure(message="no sound", locator=TimeSpan(start_s=3.0, end_s=4.5), attempt=2),
        make_failure(message="all of it"),
    ]
    for failure in found:
        plant_failure(session, asset_id, failure)

    listed = Reports(session, "t").failures()

    assert [entry.failure for entry in listed] == found
    assert {(entry.uri, entry.asset_id) for entry in listed} == {("s3://b/a.pdf", asset_id)}
    assert ingested_failures(session) == found


def ingested_failures(session):
    (report,) = Reports(session, "t").ingested([ObjectRef(bucket="b", key="a.pdf")])
    return list(report.failures)


def test_failure_names_an_object_that_exists(session):
    asset_id = plant_asset(session, [make_plan()], bucket="a", key="z.jpg")
    other = plant_asset(session, bucket="b", key="a.jpg")
    Catalog(session).merge(other, into=asset_id)
    plant_failure(session, asset_id, make_failure(stage="prepare"))

    assert [entry.uri for entry in Reports(session, "t").failures()] == ["s3://a/z.jpg"]


def test_failures_of_deleted_assets_and_other_tenants_are_not_told(session):
    gone = plant_asset(session, [make_plan()])
    plant_failure(session, gone, make_failure(stage="prepare"))
    set_asset(session, gone, state=AssetState.DELETED)
    theirs = plant_asset(session, [make_plan()], tenant="other")
    plant_failure(session, theirs, make_failure(stage="prepare"))

    assert Reports(session, "t").failures() == []


# -- details ---------------------------------------------------------------------------------


def test_details_tell_everything_of_an_asset(session):
    asset_id = plant_parts(session, 1)
    set_asset(
        session,
        asset_id,
        state=AssetState.PARTIAL,
        media_type=MediaType.DOCUMENT,
        facts=make_facts(n_pages=2).model_dump(mode="json"),
    )
    segments = [make_segment(text="hello", locator=Page(page=2), language="en", confidence=0.5)]
    put_segments(session, asset_id, "ocr", segments)
    session.execute(
        insert(ArtifactRow).values(
            asset_id=asset_id, kind=ArtifactKind.VIEW, part=0, key="k", size_bytes=9, contents={}
        )
    )
    plant_failure(session, asset_id, make_failure(locator=Page(page=1)))

    details = Reports(session, "t").details(asset_id)

    assert (details.uri, details.also_at) == ("s3://b/a.pdf", ())
    assert (details.media_type, details.state) == ("document", "partial")
    assert details.facts == make_facts(n_pages=2)
    assert [(a.kind, a.key, a.size_bytes) for a in details.artifacts] == [("view", "k", 9)]
    (segment,) = details.segments
    assert (segment.stage, segment.text, segment.page) == ("ocr", "hello", 2)
    assert (segment.language, segment.confidence) == ("en", 0.5)
    assert [failure.locator for failure in details.failures] == [Page(page=1)]


def test_details_of_an_asset_that_nobody_looked_at_yet(session):
    asset_id = plant_parts(session, 1)

    details = Reports(session, "t").details(asset_id)

    assert details.facts is None
    assert details.stages["ocr"].state is JobState.READY
    assert details.segments == details.artifacts == details.failures == ()


def test_details_name_all_objects_of_one_content(session):
    asset_id = plant_asset(session, key="a.jpg")
    other = plant_asset(session, key="b.jpg")
    Catalog(session).merge(other, into=asset_id)

    details = Reports(session, "t").details(asset_id)

    assert {details.uri, *details.also_at} == {"s3://b/a.jpg", "s3://b/b.jpg"}


def test_details_give_segments_in_the_order_of_the_stages(session):
    plans = [make_plan(stage=stage, source="view") for stage in ("caption", "ocr", "prepare")]
    asset_id = plant_asset(session, plans)
    for stage in ("caption", "ocr", "prepare"):
        segments = [make_segment(ordinal=n, text=f"{stage} {n}") for n in (1, 0)]
        put_segments(session, asset_id, stage, segments)

    texts = [segment.text for segment in Reports(session, "t").details(asset_id).segments]

    assert texts == ["prepare 0", "prepare 1", "ocr 0", "ocr 1", "caption 0", "caption 1"]
