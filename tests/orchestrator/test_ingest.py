"""Sources in, one report per object out."""

import os
from pathlib import Path

import pytest

from infra.folder_store import FolderStore
from infra.memory_store import InMemoryObjectStore
from infra.routed_store import RoutedStore
from orchestrator import ingest as ingest_module
from orchestrator.ingest import Ingest, parse_source
from orchestrator.pump import Pump, Stopped
from schemas.asset import FILE_BUCKET, ObjectRef
from schemas.errors import ConfigurationError, ObjectNotFound
from schemas.job import Priority
from tests.workers.stubs import Pipeline

# -- sources ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("s3://media", ("media", "")),
        ("s3://media/", ("media", "")),
        ("s3://media/2026/01/", ("media", "2026/01/")),
        ("s3://media/a%20b c.jpg", ("media", "a%20b c.jpg")),
        ("s3://media//odd", ("media", "/odd")),
    ],
)
def test_uri_is_a_bucket_and_the_start_of_keys(source, place):
    assert parse_source(source) == place


def test_folder_is_a_prefix_and_a_file_a_key(tmp_path, monkeypatch):
    (tmp_path / "a.txt").touch()
    monkeypatch.chdir(tmp_path)
    root = str(tmp_path).lstrip("/")

    assert parse_source(".") == (FILE_BUCKET, f"{root}/")
    assert parse_source("a.txt") == (FILE_BUCKET, f"{root}/a.txt")
    assert parse_source(f"{tmp_path}/../{tmp_path.name}/a.txt") == (FILE_BUCKET, f"{root}/a.txt")


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").touch()

    assert parse_source("~/a.txt") == (FILE_BUCKET, f"{tmp_path}/a.txt".lstrip("/"))


@pytest.mark.parametrize("name", ["new\nline.png", "\udce9t\udce9.png", "\U0001f389 [a].jpg", "-x"])
def test_every_name_of_a_file_is_a_source(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).touch()

    _, key = parse_source(name)

    key.encode()  # no surrogate reaches rows or messages
    assert FolderStore(tmp_path.parent, "b").head(
        ObjectRef(bucket="b", key=key.removeprefix(str(tmp_path.parent).lstrip("/") + "/"))
    )


def test_link_to_nowhere_is_a_source(tmp_path):
    (tmp_path / "link").symlink_to("/no/such/place")

    assert parse_source(str(tmp_path / "link"))[1].endswith("/link")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "empty name, expected a file, a folder or s3://bucket"),
        ("no-such.txt", "no-such.txt: no such file or folder$"),
        ("a" * 300, "File name too long"),
        ("~nobody-of-that-name/a", "home directory"),
        ("s3://", "s3://: expected s3://bucket"),
        ("s3:///key", "s3:///key: expected s3://bucket"),
        ("http://host/a.jpg", "no such file or folder; expected a path or s3://bucket/prefix"),
        ("file:///etc/hosts", "expected a path or s3://bucket/prefix"),
    ],
)
def test_source_that_is_none_names_itself(source, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match=message):
        parse_source(source)


# -- a run -----------------------------------------------------------------------------------


class Shelf(InMemoryObjectStore):
    """A bucket that may not be listed, beside those that may."""

    def list(self, bucket, prefix, after=""):
        if bucket == "locked":
            raise ObjectNotFound("s3://locked: access denied")
        return super().list(bucket, prefix, after)


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def pipeline(database, settings, vectors, stub_stages, shelf, tmp_path):
    folder = FolderStore(tmp_path / "/", FILE_BUCKET)
    pipeline = Pipeline(database, settings, vectors, objects=RoutedStore(folder, lambda: shelf))
    yield pipeline
    pipeline.leases.close()


@pytest.fixture
def run(pipeline, settings):
    return Ingest(
        pipeline.database,
        pipeline.objects,
        pipeline.intake,
        settings,
        tenant="t",
        priority=Priority.BULK,
    )


class WorkingPump(Pump):
    """Works off what is dispatched before it asks again."""

    def __init__(self, pipeline):
        super().__init__(pipeline.dispatcher, pipeline.sweeper, pipeline.lifecycle)
        self._pipeline = pipeline

    def turn(self):
        n_sent = super().turn()
        while self._pipeline.messages:
            self._pipeline.runner.run_batch(self._pipeline.messages.pop(0))
        return n_sent


def see_through(run, pipeline, *sources, show=lambda _counts: None):
    return run.run(sources, WorkingPump(pipeline), show)


def put(shelf, *keys, bucket="b"):
    for key in keys:
        shelf.put(ObjectRef(bucket=bucket, key=key), f"words of {key}".encode())


def test_run_sees_everything_through(run, pipeline, shelf):
    put(shelf, "2025/old.txt", "2026/a.txt", "2026/b.txt")

    report = see_through(run, pipeline, "s3://b/2026/")

    assert [asset.uri for asset in report.assets] == ["s3://b/2026/a.txt", "s3://b/2026/b.txt"]
    assert report.counts == {"ready": 2}
    assert all(asset.segments for asset in report.assets)
    assert report.seconds > 0


def test_run_admits_page_by_page(run, pipeline, shelf, monkeypatch):
    monkeypatch.setattr(ingest_module, "_ADMIT_BATCH", 2)
    put(shelf, *"abcde")
    seen = []

    def show(jobs):
        seen.append(sum(jobs()["prepare"].values()))

    report = see_through(run, pipeline, "s3://b", show=show)

    assert report.counts == {"ready": 5}
    assert seen[:3] == [2, 4, 5]


def test_run_again_does_no_work(run, pipeline, shelf, settings):
    put(shelf, "a.txt")
    first = see_through(run, pipeline, "s3://b")
    sent = []
    pipeline.dispatcher._publish = sent.append

    again = Ingest(
        pipeline.database,
        pipeline.objects,
        pipeline.intake,
        settings,
        tenant="t",
        priority=Priority.NORMAL,
    ).run(["s3://b"], WorkingPump(pipeline), lambda _counts: None)

    assert sent == []
    assert again.assets == first.assets


def test_run_reports_an_object_named_twice_once(run, pipeline, shelf):
    put(shelf, "a.txt")

    report = see_through(run, pipeline, "s3://b", "s3://b/a.txt")

    assert report.counts == {"ready": 1}


def test_run_goes_on_past_what_may_not_be_read(run, pipeline, shelf, tmp_path):
    put(shelf, "a.txt")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/no/such/place")

    report = see_through(
        run, pipeline, str(tmp_path / "pipe"), str(tmp_path / "link"), "s3://locked/x", "s3://b"
    )

    assert report.counts == {"ready": 1, "failed": 3}
    failures = [asset.failures[0] for asset in report.assets[1:]]
    assert {failure.category for failure in failures} == {"ObjectNotFound"}
    assert {failure.stage for failure in failures} == {"intake"}
    assert "found a pipe, expected a regular file" in failures[0].message
    assert "access denied" in failures[2].message
    assert [asset.asset_id for asset in report.assets[1:]] == [None, None, None]


def test_run_tells_what_is_broken(run, pipeline, shelf):
    shelf.put(ObjectRef(bucket="b", key="bad.txt"), b"unreadable-object")

    (asset,) = see_through(run, pipeline, "s3://b").assets

    assert asset.state == "failed"
    assert asset.failures[0].category == "UnreadableMedia"
    assert asset.stages["prepare"].error.startswith("UnreadableMedia: s3://b/bad.txt")


def test_run_over_nothing_ends_at_once(run, pipeline):
    report = see_through(run, pipeline, "s3://b/no-such-prefix")

    assert (report.assets, report.counts) == ((), {})


def test_run_can_be_stopped_and_keeps_what_is_admitted(run, pipeline, shelf):
    put(shelf, "a.txt")
    pump = Pump(pipeline.dispatcher, pipeline.sweeper, pipeline.lifecycle)
    pump.stop()

    with pytest.raises(Stopped):
        run.run(["s3://b"], pump, lambda _counts: None)

    assert [asset.state for asset in run.report(0.0).assets] == ["pending"]


def test_admit_all_only_plans(run, pipeline, shelf, monkeypatch):
    monkeypatch.setattr(ingest_module, "_ADMIT_BATCH", 2)
    put(shelf, *"abc")

    report = run.admit_all(["s3://b"])

    assert report.counts == {"pending": 3}
    assert pipeline.messages == []


def test_check_refuses_before_anything_is_admitted(run, pipeline, shelf):
    put(shelf, "a.txt")

    with pytest.raises(ConfigurationError, match="no such file"):
        run.check(["s3://b", "/no/such/place"])

    assert run.report(0.0).assets == ()
