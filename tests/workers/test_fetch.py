"""Inputs reach local disk, from whichever object still holds them."""

import pytest
from sqlalchemy import select

from infra.catalog import Catalog
from infra.contents import Contents
from infra.memory_store import InMemoryObjectStore
from infra.settings import load_settings
from infra.tables import ObjectRow
from orchestrator.intake.events import Intake
from schemas.asset import ArtifactKind, ObjectRef
from schemas.errors import MediaTooLarge, ObjectChanged, ObjectNotFound
from tests.factories import (
    make_artifact,
    make_facts,
    make_job,
    make_ref,
    make_segment,
)
from workers.fetch import Fetcher, scratch_of

REF, OTHER = make_ref(key="a b.jpg"), make_ref(key="z.jpg")


@pytest.fixture
def fetcher(database, objects, artifacts, settings):
    return Fetcher(database, objects, artifacts, settings)


@pytest.fixture
def asset_id(database, objects, settings):
    objects.put(REF, b"bytes")
    return Intake(database, objects, settings).admit(REF, "t").asset_id


@pytest.fixture
def held_twice(database, objects, settings, asset_id):
    """The same asset, held by two objects."""
    objects.put(OTHER, b"bytes")
    other = Intake(database, objects, settings).admit(OTHER, "t").asset_id
    with database.session_scope() as session:
        Catalog(session).merge(other, into=asset_id)
    return asset_id


def prepare_job(asset_id):
    return make_job(asset_id=asset_id, stage="prepare", source="object")


def test_object_lies_under_a_neutral_name(fetcher, asset_id, tmp_path):
    source = fetcher.fetch(prepare_job(asset_id), tmp_path / "scratch")

    assert source.path == tmp_path / "scratch" / "input"
    assert source.scratch.stat().st_mode & 0o777 == 0o700
    assert source.path.read_bytes() == b"bytes"
    assert source.ref == REF


def test_object_that_is_gone_is_read_where_else_it_is_held(fetcher, held_twice, objects, tmp_path):
    objects.delete(REF)

    source = fetcher.fetch(prepare_job(held_twice), tmp_path / "scratch")

    assert (source.ref, source.path.read_bytes()) == (OTHER, b"bytes")


def test_first_object_is_read_while_it_is_there(fetcher, held_twice, tmp_path):
    assert fetcher.fetch(prepare_job(held_twice), tmp_path / "scratch").ref == REF


def test_object_that_is_gone_everywhere_is_not_found(fetcher, held_twice, objects, tmp_path):
    for ref in (REF, OTHER):
        objects.delete(ref)

    with pytest.raises(ObjectNotFound):
        fetcher.fetch(prepare_job(held_twice), tmp_path / "scratch")


def test_asset_that_nothing_holds_is_not_found(fetcher, asset_id, database, tmp_path):
    with database.session_scope() as session:
        Catalog(session).drop_object("t", REF)

    with pytest.raises(ObjectNotFound, match="no object holds it"):
        fetcher.fetch(prepare_job(asset_id), tmp_path / "scratch")


def test_asset_of_another_tenant_is_not_found(fetcher, asset_id, tmp_path):
    job = make_job(asset_id=asset_id, tenant="u", stage="prepare", source="object")

    with pytest.raises(ObjectNotFound):
        fetcher.fetch(job, tmp_path / "scratch")


def test_newer_bytes_are_read_and_recorded(
    fetcher, asset_id, objects, database, settings, tmp_path
):
    objects.put(REF, b"newer")

    source = fetcher.fetch(prepare_job(asset_id), tmp_path / "scratch")

    assert source.path.read_bytes() == b"newer"
    with database.read_scope() as session:
        recorded = session.scalars(select(ObjectRow.generation)).one()
    assert recorded == objects.head(REF).generation
    again = Intake(database, objects, settings).admit(REF, "t")
    assert again == (asset_id, False)


def test_object_beyond_the_limit_is_too_large(
    database, objects, artifacts, profile, asset_id, tmp_path, monkeypatch
):
    monkeypatch.setenv("SLUICE_LIMIT_OBJECT_BYTES", "4")
    fetcher = Fetcher(database, objects, artifacts, load_settings(models=str(profile)))

    with pytest.raises(MediaTooLarge, match="5 bytes, at most 4"):
        fetcher.fetch(prepare_job(asset_id), tmp_path / "scratch")


def test_object_that_changes_while_it_is_read_is_told(
    database, artifacts, settings, asset_id, tmp_path
):
    class Restless(InMemoryObjectStore):
        """Takes a new upload right after each look."""

        def head(self, ref):
            head = super().head(ref)
            InMemoryObjectStore.put(Quiet(self), ref, head.etag.encode())
            return head

    class Quiet(InMemoryObjectStore):
        """The same objects, seen without disturbing them."""

        def __init__(self, of):
            self._objects = of._objects

    objects = Restless()
    InMemoryObjectStore.put(Quiet(objects), REF, b"bytes")
    fetcher = Fetcher(database, objects, artifacts, settings)

    with pytest.raises(ObjectChanged):
        fetcher.fetch(prepare_job(asset_id), tmp_path / "scratch")


def test_artifact_comes_with_what_is_known_of_it(
    fetcher, asset_id, artifacts, database, settings, tmp_path
):
    artifact = make_artifact(kind=ArtifactKind.SCANS, part=2, key="t/x/v1/scans-2.tar")
    artifacts.put(ObjectRef(bucket=settings.artifact_bucket, key=artifact.key), b"tar")
    with database.session_scope() as session:
        Catalog(session).describe({asset_id: make_facts()})
        Contents(session).put_artifacts({asset_id: [artifact]})

    job = make_job(asset_id=asset_id, source="scans", source_part=2)
    source = fetcher.fetch(job, tmp_path / "scratch")

    assert (source.artifact, source.facts) == (artifact, make_facts())
    assert source.path.read_bytes() == b"tar"
    assert source.ref == REF
    assert source.created_at_s > 1.7e9


def test_artifact_that_was_never_recorded_is_our_defect(fetcher, asset_id, tmp_path):
    with pytest.raises(LookupError):
        fetcher.fetch(make_job(asset_id=asset_id), tmp_path / "scratch")


def test_text_of_one_stage_and_part_comes_in_order(fetcher, asset_id, database, tmp_path):
    with database.session_scope() as session:
        contents = Contents(session)
        ocr = make_job(asset_id=asset_id, stage="ocr", part=1)
        second, first = make_segment(ordinal=1, text="b"), make_segment(ordinal=0, text="a")
        contents.put_segments([(ocr, {1: [second, first]})])
        contents.put_segments(
            [(make_job(asset_id=asset_id, part=0), {0: [make_segment(text="x")]})]
        )

    job = make_job(asset_id=asset_id, stage="embed_text", source="ocr", source_part=1)
    source = fetcher.fetch(job, tmp_path / "scratch")

    assert [segment.text for segment in source.segments] == ["a", "b"]
    assert source.path is None


def test_each_attempt_has_a_scratch_of_its_own(tmp_path):
    first, second = (scratch_of(make_job(fence=fence), tmp_path) for fence in (1, 2))

    assert first != second
    assert {first.parent, second.parent} == {tmp_path}
