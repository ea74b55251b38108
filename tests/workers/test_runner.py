"""Batches under bad media, defects, full devices, outages, dead workers and zombies."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select

from infra.tables import JobRow
from schemas.errors import ConfigurationError
from schemas.job import JobState
from tests.factories import make_message
from tests.workers.stubs import StubStage, Turnstile
from workers.runner import clear_scratch


def run_prepare(pipeline):
    """Everything that was put, as far as `prepare` takes it."""
    pipeline.runner.run_batch(pipeline.dispatch_stage("prepare"))


def read(pipeline, *assets, stage="ocr"):
    """State, attempts and error class of each asset's job."""
    jobs = [pipeline.job(asset_id, stage) for asset_id in assets]
    return [(job.state.value, job.attempts, job.error_class) for job in jobs]


# -- the good case ---------------------------------------------------------------------------


def test_object_becomes_segments_and_points(pipeline):
    asset_id = pipeline.put("a.jpg", "a red (title) boat")

    pipeline.work()

    assert pipeline.asset_state(asset_id) == "ready"
    assert pipeline.texts(asset_id, "prepare") == ["title"]
    assert pipeline.texts(asset_id, "ocr") == ["a", "red", "boat"]
    points = pipeline.points()
    assert {space: len(ids) for space, ids in points.items()} == {"visual": 3, "text": 7}


def test_batch_runs_all_its_jobs_through_full_model_batches(pipeline):
    assets = [pipeline.put(f"{n}.jpg", f"w{n} x{n}") for n in range(4)]

    pipeline.work()

    assert [pipeline.asset_state(asset_id) for asset_id in assets] == ["ready"] * 4
    assert max(len(words) for words in StubStage.tried) == 8


def test_seconds_of_a_batch_are_shared_out(pipeline):
    asset_id = pipeline.put("a.jpg", "word")

    pipeline.work()

    assert 0 < pipeline.job(asset_id, "ocr").seconds < 60


def test_scratch_is_empty_afterwards(pipeline):
    pipeline.put("a.jpg", "good")
    pipeline.put("b.jpg", "outage")

    pipeline.work()

    assert pipeline.scratch() == []


def test_clear_scratch_removes_what_a_killed_process_left(tmp_path):
    (tmp_path / "scratch" / "job-1").mkdir(parents=True)

    clear_scratch(tmp_path / "scratch")

    assert list((tmp_path / "scratch").iterdir()) == []


# -- messages --------------------------------------------------------------------------------


def test_message_delivered_twice_is_run_once(pipeline):
    asset_id = pipeline.put("a.jpg", "word")
    message = pipeline.dispatch_stage("prepare")

    for _ in range(2):
        pipeline.runner.run_batch(message)

    assert pipeline.job(asset_id, "prepare").attempts == 1


def test_message_delivered_to_two_workers_at_once_is_run_once(pipeline):
    assets = [pipeline.put(f"{n}.jpg", f"word{n}") for n in range(3)]
    run_prepare(pipeline)
    message = pipeline.dispatch_stage("ocr")
    together = threading.Barrier(2, timeout=60)

    def run(runner):
        together.wait()
        runner.run_batch(message)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, [pipeline.runner, pipeline.make_runner("w2")]))

    assert read(pipeline, *assets) == [("done", 1, None)] * 3


@pytest.mark.parametrize("other", [{"stage": "smell"}, {"version": "newer"}])
def test_message_of_another_release_is_left_to_the_sweeper(pipeline, caplog, other):
    asset_id = pipeline.put("a.jpg", "word")
    message = pipeline.dispatch_stage("prepare").model_copy(update=other)

    pipeline.runner.run_batch(message)

    assert read(pipeline, asset_id, stage="prepare") == [("dispatched", 0, None)]
    assert "batch_not_ours" in caplog.messages


def test_message_about_jobs_that_never_were_does_nothing(pipeline):
    message = make_message([uuid4()], version=pipeline.settings.versions["ocr"])

    pipeline.runner.run_batch(message)

    assert StubStage.n_loaded == 0


# -- one bad job -----------------------------------------------------------------------------


def test_unreadable_media_fails_its_own_job_only(pipeline, caplog):
    good, bad = pipeline.put("a.jpg", "fine"), pipeline.put("b.jpg", "so unreadable")
    run_prepare(pipeline)

    with caplog.at_level(logging.INFO):
        pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert read(pipeline, good, bad) == [("done", 1, None), ("failed", 1, "UnreadableMedia")]
    assert pipeline.texts(good, "ocr") == ["fine"]
    assert pipeline.failures(bad) == [("ocr", "UnreadableMedia")]
    assert {r.message: r.levelname for r in caplog.records}["job_failed"] == "INFO"


def test_asset_with_a_failed_stage_is_partial(pipeline):
    bad = pipeline.put("b.jpg", "so unreadable")

    pipeline.work()

    assert pipeline.asset_state(bad) == "partial"
    assert {stage: s for (stage, _), s in pipeline.jobs(bad).items()} == {
        "prepare": "done",
        "ocr": "failed",
        "caption": "failed",
        "embed_visual": "failed",
        "embed_text": "cancelled",
    }


def test_object_that_cannot_be_prepared_fails(pipeline):
    bad = pipeline.put("b.jpg", "unreadable-object")

    pipeline.work()

    assert pipeline.asset_state(bad) == "failed"
    assert pipeline.failures(bad) == [("prepare", "UnreadableMedia")]


def test_object_that_went_away_fails(pipeline):
    asset_id = pipeline.put("a.jpg", "word")
    pipeline.objects.delete_prefix("b", "a")

    pipeline.work()

    assert pipeline.failures(asset_id) == [("prepare", "ObjectNotFound")]


def test_item_that_fails_alone_makes_the_asset_partial(pipeline):
    asset_id = pipeline.put("a.jpg", "whole torn")

    pipeline.work()

    assert pipeline.asset_state(asset_id) == "partial"
    assert pipeline.jobs(asset_id)["ocr", 0] == "done"
    assert pipeline.texts(asset_id, "ocr") == ["whole"]


@pytest.mark.parametrize("word", ["poison", "botched"])
def test_defect_in_one_item_is_tried_again_and_then_quarantined(pipeline, word, caplog):
    good, bad = pipeline.put("a.jpg", "fine words"), pipeline.put("b.jpg", f"one {word}")

    pipeline.work_to_the_end()

    assert pipeline.asset_state(good) == "ready"
    assert pipeline.texts(good, "ocr") == ["fine", "words"]
    job = pipeline.job(bad, "ocr")
    assert (job.state, job.attempts) == (JobState.QUARANTINED, pipeline.settings.max_attempts)
    assert job.error_class in {"ValueError", "KeyError"}
    assert pipeline.asset_state(bad) == "partial"
    defects = [r for r in caplog.records if r.message == "job_retried"]
    assert all(r.levelname == "ERROR" and r.exc_info for r in defects)


def test_job_that_is_tried_again_rests_first(pipeline):
    bad = pipeline.put("b.jpg", "poison")
    run_prepare(pipeline)

    pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert read(pipeline, bad) == [("ready", 1, "ValueError")]
    assert pipeline.n_ready("ocr") == 0
    pipeline.skip_pauses()
    assert pipeline.n_ready("ocr") == 1


# -- the device ------------------------------------------------------------------------------


def test_full_device_halves_the_model_batch_and_goes_on(pipeline, monkeypatch):
    monkeypatch.setattr(StubStage, "room", 2)
    assets = [pipeline.put(f"{n}.jpg", f"a{n} b{n} c{n}") for n in range(2)]
    run_prepare(pipeline)

    pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert read(pipeline, *assets) == [("done", 1, None)] * 2
    assert pipeline.texts(assets[1], "ocr") == ["a1", "b1", "c1"]
    assert {len(words) for words in StubStage.tried} == {4, 2}


def test_item_that_never_fits_counts_as_an_attempt_of_its_own_job(pipeline):
    good, bad = pipeline.put("a.jpg", "fine"), pipeline.put("b.jpg", "oom")
    run_prepare(pipeline)

    pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert read(pipeline, good, bad) == [("done", 1, None), ("ready", 1, "DeviceOutOfMemory")]


def test_overlapping_batches_take_turns_on_the_device(pipeline, monkeypatch):
    turnstile = Turnstile()

    def pass_through(_words):
        with turnstile:
            time.sleep(0.01)

    monkeypatch.setattr(StubStage, "on_forward", pass_through)
    assets = [pipeline.put(f"{n}.jpg", f"w{n}") for n in range(3)]
    run_prepare(pipeline)
    messages = list(pipeline.dispatch())
    pipeline.messages.clear()
    assert len(messages) == 3  # ocr, caption, embed_visual

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(pipeline.runner.run_batch, messages))

    assert turnstile.n_most == 1
    assert read(pipeline, *assets) == [("done", 1, None)] * 3


# -- trouble outside -------------------------------------------------------------------------


def test_outage_gives_the_whole_batch_back_without_burning_attempts(pipeline, caplog):
    assets = [pipeline.put("a.jpg", "fine"), pipeline.put("b.jpg", "outage")]
    run_prepare(pipeline)

    pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert read(pipeline, *assets) == [("ready", 0, None)] * 2
    assert pipeline.n_ready("ocr") == 0
    assert pipeline.failures(assets[0]) == []
    assert "batch_released" in caplog.messages
    assert pipeline.runner.defect is None


def test_outage_however_long_never_quarantines(pipeline):
    asset_id = pipeline.put("b.jpg", "outage")
    run_prepare(pipeline)
    for _ in range(pipeline.settings.max_attempts + 1):
        pipeline.runner.run_batch(make_message_of(pipeline.job(asset_id, "ocr")))
        pipeline.skip_pauses()

    assert read(pipeline, asset_id) == [("ready", 0, None)]


def make_message_of(row):
    return make_message([row.id], stage=row.stage, version=row.version)


def test_wrong_setting_is_found_at_load_and_stops_the_worker(pipeline, monkeypatch):
    refusal = ConfigurationError("ocr: no checkpoint there")
    monkeypatch.setattr(StubStage, "refusal", refusal)
    asset_id = pipeline.put("a.jpg", "word")
    run_prepare(pipeline)

    pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert pipeline.runner.defect is refusal
    assert read(pipeline, asset_id) == [("ready", 0, None)]


def test_wrong_setting_is_never_the_fault_of_the_media(pipeline):
    asset_id = pipeline.put("a.jpg", "misset")
    run_prepare(pipeline)

    pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert isinstance(pipeline.runner.defect, ConfigurationError)
    assert read(pipeline, asset_id) == [("ready", 0, None)]


def test_stage_that_does_not_load_through_a_defect_is_tried_again(pipeline, monkeypatch):
    monkeypatch.setattr(StubStage, "refusal", ImportError("no module named torch"))
    assets = [pipeline.put(f"{n}.jpg", f"w{n}") for n in range(2)]
    run_prepare(pipeline)

    pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))

    assert read(pipeline, *assets) == [("ready", 1, "ImportError")] * 2


def test_defect_while_storing_is_tried_again_without_waiting_for_the_lease(pipeline, monkeypatch):
    asset = pipeline.put("a.jpg", "w")
    store, calls = pipeline.runner._results, []
    upload = store._upload

    def broken_once(run):
        calls.append(run)
        if len(calls) == 1:
            raise ValueError("a defect of ours")
        return upload(run)

    monkeypatch.setattr(store, "_upload", broken_once)
    pipeline.runner.run_batch(pipeline.dispatch_stage("prepare"))

    with pipeline.database.read_scope() as session:
        (row,) = session.scalars(select(JobRow).where(JobRow.asset_id == asset))
        assert (row.state, row.attempts, row.error_class) == ("ready", 1, "ValueError")


# -- dead workers and zombies ----------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def steal(pipeline, monkeypatch):
    """While the next batch computes, its leases run out and `then` happens."""

    def steal(then=lambda: None):
        def once(_words):
            monkeypatch.setattr(StubStage, "on_forward", None)
            pipeline.expire_leases()
            then()

        monkeypatch.setattr(StubStage, "on_forward", once)

    return steal


def test_worker_that_dies_loses_one_attempt_and_no_job(pipeline, monkeypatch):
    def die(_words):
        raise Killed

    asset_id = pipeline.put("a.jpg", "word")
    run_prepare(pipeline)
    monkeypatch.setattr(StubStage, "on_forward", die)
    with pytest.raises(Killed):
        pipeline.runner.run_batch(pipeline.dispatch_stage("ocr"))
    monkeypatch.setattr(StubStage, "on_forward", None)

    pipeline.expire_leases()
    pipeline.work()

    assert pipeline.asset_state(asset_id) == "ready"
    assert pipeline.job(asset_id, "ocr").attempts == 2


def test_zombie_writes_nothing_once_its_lease_has_run_out(pipeline, steal, caplog):
    asset_id = pipeline.put("a.jpg", "word")
    run_prepare(pipeline)
    message = pipeline.dispatch_stage("embed_visual")
    steal()

    with caplog.at_level(logging.INFO):
        pipeline.runner.run_batch(message)

    assert read(pipeline, asset_id, stage="embed_visual") == [("ready", 1, "WorkerLost")]
    assert pipeline.texts(asset_id, "embed_visual") == []
    assert pipeline.points() == {}
    assert "job_lost" in caplog.messages
    assert "job_completed" not in caplog.messages


def test_zombie_does_not_disturb_the_run_that_took_over(pipeline, steal):
    asset_id = pipeline.put("a.jpg", "word")
    run_prepare(pipeline)
    message = pipeline.dispatch_stage("embed_visual")
    steal(then=lambda: pipeline.make_runner("w2").run_batch(message))

    pipeline.runner.run_batch(message)

    job = pipeline.job(asset_id, "embed_visual")
    assert (job.state, job.worker, job.attempts, job.fence) == (JobState.DONE, "w2", 2, 2)
    assert len(pipeline.points()["visual"]) == 1


def test_zombie_whose_media_were_bad_does_not_fail_the_job_of_its_heir(pipeline, steal):
    asset_id = pipeline.put("a.jpg", "word botched")
    run_prepare(pipeline)
    message = pipeline.dispatch_stage("ocr")
    steal(then=pipeline.expire_leases)

    pipeline.runner.run_batch(message)

    assert read(pipeline, asset_id) == [("ready", 1, "WorkerLost")]


def test_asset_deleted_while_its_job_runs_stays_deleted(pipeline, monkeypatch):
    asset_id = pipeline.put("a.jpg", "word")
    run_prepare(pipeline)

    def delete(_words):
        monkeypatch.setattr(StubStage, "on_forward", None)
        pipeline.lifecycle.delete([asset_id])
        pipeline.lifecycle.purge()

    monkeypatch.setattr(StubStage, "on_forward", delete)
    pipeline.runner.run_batch(pipeline.dispatch_stage("embed_visual"))

    assert pipeline.asset_state(asset_id) == "deleted"
    assert pipeline.points() == {}
    assert pipeline.texts(asset_id, "embed_visual") == []
    assert list(pipeline.artifacts.list("artifacts", "")) == []
