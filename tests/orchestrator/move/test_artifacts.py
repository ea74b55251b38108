"""Objects from the folder to the bucket, beside rows and without them."""

import shutil
from pathlib import Path

import pytest

from infra.holdings import Holdings
from orchestrator.move.artifacts import ArtifactMover
from schemas.asset import ObjectRef
from schemas.errors import ConfigurationError


@pytest.fixture
def uploads(target, monkeypatch):
    """Keys that are uploaded."""
    keys, upload = [], target.artifacts.upload

    def recorded(path, ref):
        keys.append(ref.key)
        upload(path, ref)

    monkeypatch.setattr(target.artifacts, "upload", recorded)
    return keys


def copy(source, target, *, trusting=True):
    told = []
    ArtifactMover(source, target).copy(told.append, trusting=trusting)
    return sum(told)


def compare(source, target):
    return ArtifactMover(source, target).compare(lambda _n: None)


def files(home: Path):
    return sorted(path for path in (home / "artifacts").rglob("*") if path.is_file())


def test_every_object_arrives_below_the_prefix(source, target, home, uploads):
    member = files(home)[0].parents[1] / "members" / "abc"
    member.parent.mkdir()
    member.write_bytes(b"bytes of a member")

    assert copy(source, target) == 11

    root = home / "artifacts"
    assert sorted(uploads) == [f"made/here/{path.relative_to(root)}" for path in files(home)]
    found = compare(source, target)
    assert found.is_same
    assert (found.n_source, found.n_target) == (10, 10)
    assert found.bytes_source == sum(path.stat().st_size for path in files(home))


def test_what_is_there_is_not_sent_again(source, target, uploads):
    copy(source, target)
    sent = [*uploads]

    copy(source, target)
    copy(source, target, trusting=False)

    assert uploads == sent


def test_object_of_another_size_is_sent_again(source, target, uploads, tmp_path):
    copy(source, target)
    (tmp_path / "torn").write_bytes(b"")
    first = uploads[0]
    target.artifacts.upload(tmp_path / "torn", ObjectRef(bucket="derived", key=first))
    uploads.clear()

    copy(source, target)

    assert uploads == [first]


def test_content_is_compared_only_without_trust(source, target, uploads, tmp_path):
    copy(source, target)
    head = next(target.artifacts.list("derived", ""))
    (tmp_path / "forged").write_bytes(b"!" * head.size_bytes)
    target.artifacts.upload(tmp_path / "forged", head.ref)
    uploads.clear()

    assert (compare(source, target).n_different, compare(source, target).n_missing) == (1, 0)
    copy(source, target)
    assert uploads == []
    copy(source, target, trusting=False)
    assert uploads == [head.ref.key]
    assert compare(source, target).is_same


def test_missing_and_extra_objects_are_told(source, target, tmp_path):
    copy(source, target)
    first, second = list(target.artifacts.list("derived", ""))[:2]
    target.artifacts.delete(first.ref)
    beside = f"{second.ref.key}.bak"
    for key in (beside, "made/here/stranger"):
        (tmp_path / "x").write_text("x")
        target.artifacts.upload(tmp_path / "x", ObjectRef(bucket="derived", key=key))

    found = compare(source, target)

    assert (found.n_missing, found.n_extra, found.n_different) == (1, 2, 0)
    assert {f"made/here/{key}" for key in found.examples} == {first.ref.key, beside}
    assert found.n_target == found.n_source + 1


def test_row_without_its_object_is_told_and_stops_nothing(source, target, home):
    lost = files(home)[0]
    lost.unlink()

    copy(source, target)

    found = compare(source, target)
    assert (found.n_lost, found.n_missing, found.n_source) == (1, 0, 8)
    assert found.examples == (str(lost.relative_to(home / "artifacts")),)


def test_home_whose_artifacts_are_elsewhere_is_refused(source, target, home):
    shutil.rmtree(home / "artifacts")

    with pytest.raises(ConfigurationError, match="were they kept in a bucket"):
        ArtifactMover(source, target).check_source()


def test_home_without_artifacts_may_be_moved(source, target):
    with source.database.session_scope() as session:
        for table in ("artifacts", "segments"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        assert Holdings(session).n_rows()["assets"] == 11

    ArtifactMover(source, target).check_source()


def test_scratch_is_left_empty(source, target, home):
    copy(source, target)
    compare(source, target)

    assert list((home / "scratch").iterdir()) == []
