"""admit(ref): notices come late, twice, out of order or not at all; the bucket tells the truth."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from infra.catalog import Catalog
from infra.contents import Contents
from infra.ledger import Ledger
from infra.memory_store import InMemoryObjectStore
from infra.settings import load_settings
from infra.tables import AssetRow, JobRow, ObjectRow
from orchestrator.intake.events import Found, Intake
from schemas.asset import AssetState
from schemas.errors import ObjectForbidden, ObjectNotFound, ObjectStoreUnavailable
from schemas.job import Priority
from schemas.stages import STAGES
from tests.factories import claim_all, make_artifact, make_facts, make_ref, make_segment

REF = make_ref(key="a.jpg")


class Bucket(InMemoryObjectStore):
    """A store that may be down."""

    is_down = False

    def head(self, ref):
        if self.is_down:
            raise ObjectStoreUnavailable("503 slow down")
        return super().head(ref)


@pytest.fixture
def objects():
    return Bucket()


@pytest.fixture
def intake(database, objects, settings):
    return Intake(database, objects, settings)


def live_assets(database):
    with database.read_scope() as session:
        where = AssetRow.state != AssetState.DELETED
        return list(session.scalars(select(AssetRow.id).where(where)))


def jobs(database, asset_id):
    """State of each job of an asset."""
    with database.read_scope() as session:
        rows = session.execute(
            select(JobRow.stage, JobRow.version, JobRow.state).where(JobRow.asset_id == asset_id)
        )
        return {(stage, version): state.value for stage, version, state in rows}


def prepare(database, settings):
    """Run `prepare` as a worker would: one picture, no text."""
    with database.session_scope() as session:
        (job,) = claim_all(session, "prepare", settings.versions["prepare"])
        Ledger(session).complete(job, seconds=1)
        Catalog(session).describe({job.asset_id: make_facts()})
        Contents(session).put_artifacts({job.asset_id: [make_artifact()]})
        Ledger(session).settle([job])


def test_admit_plans_the_preparation_of_a_new_object(intake, objects, database, settings):
    objects.put(REF, b"x" * 3_000_000)

    admitted = intake.admit(REF, "t", Priority.INTERACTIVE)

    assert admitted.is_new
    with database.read_scope() as session:
        row = session.scalars(select(JobRow)).one()
    assert (row.asset_id, row.stage, row.cost) == (admitted.asset_id, "prepare", 3.0)
    assert (row.priority, row.version) == (0, settings.versions["prepare"])


def test_admit_again_plans_nothing(intake, objects, database):
    objects.put(REF, b"one")
    first = intake.admit(REF, "t")

    again = intake.admit(REF, "t")

    assert again == (first.asset_id, False)
    assert len(live_assets(database)) == 1


def test_admit_of_new_bytes_replaces_the_old(intake, objects, database, settings):
    objects.put(REF, b"one")
    old = intake.admit(REF, "t").asset_id
    objects.put(REF, b"two")

    new = intake.admit(REF, "t").asset_id

    assert live_assets(database) == [new]
    prepare_version = ("prepare", settings.versions["prepare"])
    assert jobs(database, old) == {prepare_version: "cancelled"}
    assert jobs(database, new) == {prepare_version: "ready"}


def test_admit_of_an_object_that_is_gone_drops_it(intake, objects, database):
    objects.put(REF, b"one")
    intake.admit(REF, "t")
    objects.delete(REF)

    with pytest.raises(ObjectNotFound):
        intake.admit(REF, "t")

    assert live_assets(database) == []


def test_admit_of_an_object_that_never_was_changes_nothing(intake, database):
    with pytest.raises(ObjectNotFound):
        intake.admit(REF, "t")

    assert live_assets(database) == []


def test_admit_of_a_shared_object_that_is_gone_spares_the_content(intake, objects, database):
    other = make_ref(key="b.jpg")
    kept, left = (admit_new(intake, objects, ref) for ref in (REF, other))
    with database.session_scope() as session:
        Catalog(session).merge(left, into=kept)
    objects.delete(REF)

    with pytest.raises(ObjectNotFound):
        intake.admit(REF, "t")

    assert live_assets(database) == [kept]


def admit_new(intake, objects, ref):
    objects.put(ref, b"same")
    return intake.admit(ref, "t").asset_id


def test_admit_of_an_object_that_may_not_be_read_keeps_it(intake, objects, database, monkeypatch):
    objects.put(REF, b"v1")
    intake.admit(REF, "t")

    def forbid(ref):
        raise ObjectForbidden(f"{ref.uri} may not be read")

    monkeypatch.setattr(objects, "head", forbid)
    with pytest.raises(ObjectForbidden):
        intake.admit(REF, "t")

    assert len(live_assets(database)) == 1


def test_store_that_does_not_answer_drops_nothing(intake, objects, database):
    objects.put(REF, b"one")
    asset_id = intake.admit(REF, "t").asset_id
    objects.is_down = True

    with pytest.raises(ObjectStoreUnavailable):
        intake.admit(REF, "t")

    assert live_assets(database) == [asset_id]


def test_late_notice_of_an_old_version_is_answered_by_what_the_key_holds_now(
    intake, objects, database
):
    """Else the deletion of a noncurrent version would drop the current one."""
    asked = []
    objects.head = lambda ref: asked.append(ref) or InMemoryObjectStore.head(objects, ref)
    objects.put(REF, b"one")

    intake.admit(REF.model_copy(update={"version_id": "old"}), "t")

    assert asked[-1] == REF


def test_same_object_for_two_tenants_is_two_assets(intake, objects, database):
    objects.put(REF, b"one")

    assert intake.admit(REF, "t").asset_id != intake.admit(REF, "u").asset_id


# -- many keys, and looks that overlap ---------------------------------------------------------


def found(looks):
    return {ref.key: look.found.value for ref, look in looks.items()}


def test_looks_tell_what_became_of_each_key(intake, objects, database):
    for key in ("known", "gone", "new"):
        objects.put(make_ref(key=key), key.encode())
    intake.look([make_ref(key="known"), make_ref(key="gone")], "t")
    objects.delete(make_ref(key="gone"))
    refs = [make_ref(key=key) for key in ("known", "gone", "new", "never")]

    looks = intake.look([*refs, *refs], "t")

    assert found(looks) == {"known": "known", "gone": "gone", "new": "new", "never": "gone"}
    assert len(live_assets(database)) == 2


def test_looks_at_more_keys_than_one_transaction_takes(intake, objects, database):
    refs = [make_ref(key=f"{n:03}") for n in range(70)]
    for ref in refs:
        objects.put(ref, ref.key.encode())

    assert set(found(intake.look(refs, "t")).values()) == {"new"}
    assert set(found(intake.look(refs, "t")).values()) == {"known"}
    assert len(live_assets(database)) == 70


def test_a_late_notice_does_not_bring_back_what_the_user_deleted(intake, objects, database):
    objects.put(REF, b"one")
    asset_id = intake.admit(REF, "t").asset_id
    with database.session_scope() as session:
        Catalog(session).tombstone([asset_id])

    assert intake.look([REF], "t")[REF].found is Found.DELETED
    assert live_assets(database) == []

    objects.put(REF, b"two")
    assert intake.look([REF], "t")[REF].found is Found.NEW


def test_an_ingest_brings_back_what_the_user_deleted(intake, objects, database):
    objects.put(REF, b"one")
    asset_id = intake.admit(REF, "t").asset_id
    with database.session_scope() as session:
        Catalog(session).tombstone([asset_id])

    assert live_assets(database) == []
    assert [intake.admit(REF, "t").asset_id] == live_assets(database)


def test_an_object_that_comes_back_unchanged_is_admitted_again(intake, objects, database):
    """As when a delete marker is removed: the same etag and the same time."""
    objects.put(REF, b"one")
    before = dict(objects._objects)
    intake.look([REF], "t")
    objects.delete(REF)
    intake.look([REF], "t")
    objects._objects |= before

    assert intake.look([REF], "t")[REF].found is Found.NEW
    assert len(live_assets(database)) == 1


class Overtaken(Bucket):
    """Lets something happen after it was asked and before its answer is recorded."""

    meanwhile = None

    def head(self, ref):
        try:
            return super().head(ref)
        finally:
            if self.meanwhile:
                happen, self.meanwhile = self.meanwhile, None
                happen()


@pytest.mark.parametrize("order", ["put, delete", "delete, put", "put, put"])
@pytest.mark.parametrize("is_known", [False, True])
def test_a_look_that_was_overtaken_does_not_record_what_is_no_longer_so(
    any_database, settings, order, is_known
):
    objects = Overtaken()
    slow, fast = (Intake(any_database, objects, settings) for _ in range(2))
    if is_known:
        objects.put(REF, b"zero")
        fast.look([REF], "t")
    first, second = order.split(", ")
    change(objects, first, b"one")

    def overtake():
        change(objects, second, b"two")
        fast.look([REF], "t")

    objects.meanwhile = overtake
    slow.look([REF], "t")

    in_bucket = {head.generation for head in objects.list(REF.bucket, "")}
    with any_database.read_scope() as session:
        rows = select(ObjectRow.generation).where(ObjectRow.asset_id.is_not(None))
        assert set(session.scalars(rows)) == in_bucket
    assert len(live_assets(any_database)) == len(in_bucket)


def change(objects, how, content):
    if how == "put":
        objects.put(REF, content)
    else:
        objects.delete(REF)


def test_a_key_that_never_stays_the_same_is_left_for_later(database, settings):
    objects = Overtaken()
    slow, fast = (Intake(database, objects, settings) for _ in range(2))
    objects.put(REF, b"one")

    def overtake():
        InMemoryObjectStore.put(objects, REF, b"other")
        fast.look([REF], "t")
        objects.meanwhile = overtake

    objects.meanwhile = overtake
    look = slow.look([REF], "t")[REF]

    assert look.found is Found.UNANSWERED
    assert "looks at it" in str(look.error)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(["put", "delete", "notice", "scan"]), max_size=12))
def test_whatever_happened_the_index_ends_as_the_bucket_is(database, settings, steps):
    objects = Bucket()
    intake = Intake(database, objects, settings)
    for n, step in enumerate([*steps, "notice"]):
        if step == "put":
            objects.put(REF, b"%d" % (n % 2))
        elif step == "delete":
            objects.delete(REF)
        elif step == "scan":
            for head in objects.list(REF.bucket, ""):
                intake.admit_head(head, "t")
        else:
            notice(intake)

    in_bucket = {head.generation for head in objects.list(REF.bucket, "")}
    with database.read_scope() as session:
        rows = select(ObjectRow.generation).where(ObjectRow.asset_id.is_not(None))
        assert set(session.scalars(rows)) == in_bucket
    assert len(live_assets(database)) == len(in_bucket)


def notice(intake):
    try:
        intake.admit(REF, "t")
    except ObjectNotFound:
        return


# -- new versions ----------------------------------------------------------------------------


@pytest.fixture
def upgrade(monkeypatch, tmp_path, profile, database, objects):
    """Install a release in which a stage's code has changed; returns its intake and settings."""

    def upgrade(stage):
        newer = replace(STAGES[stage], code_version=STAGES[stage].code_version + 1)
        monkeypatch.setitem(STAGES, stage, newer)
        settings = load_settings(home=tmp_path, models=str(profile))
        return Intake(database, objects, settings), settings

    return upgrade


def test_new_code_of_a_stage_runs_that_stage_again(intake, objects, database, settings, upgrade):
    objects.put(REF, b"one")
    asset_id = intake.admit(REF, "t").asset_id
    prepare(database, settings)

    newer, after = upgrade("caption")
    assert newer.admit(REF, "t") == (asset_id, False)

    planned = jobs(database, asset_id)
    assert planned["caption", after.versions["caption"]] == "ready"
    assert planned["prepare", settings.versions["prepare"]] == "done"
    assert [stage for stage, _ in planned].count("prepare") == 1


def test_new_code_of_prepare_prepares_again_before_anything_else(
    intake, objects, database, settings, upgrade
):
    objects.put(REF, b"one")
    asset_id = intake.admit(REF, "t").asset_id
    prepare(database, settings)

    newer, after = upgrade("prepare")
    newer.admit(REF, "t")

    assert jobs(database, asset_id) == {
        ("prepare", settings.versions["prepare"]): "done",
        ("prepare", after.versions["prepare"]): "ready",
    }


def test_new_code_before_the_first_preparation_forgets_the_old_plan(
    intake, objects, database, upgrade
):
    objects.put(REF, b"one")
    asset_id = intake.admit(REF, "t").asset_id

    newer, after = upgrade("prepare")
    newer.admit(REF, "t")

    assert jobs(database, asset_id) == {("prepare", after.versions["prepare"]): "ready"}


def test_new_code_reads_the_text_that_prepare_found(intake, objects, database, settings, upgrade):
    objects.put(REF, b"one")
    asset_id = intake.admit(REF, "t").asset_id
    with database.session_scope() as session:
        (job,) = claim_all(session, "prepare", settings.versions["prepare"])
        Ledger(session).complete(job, seconds=1)
        Contents(session).put_segments([(job, {0: [make_segment()]})])

    newer, after = upgrade("embed_text")
    newer.admit(REF, "t")

    assert jobs(database, asset_id)["embed_text", after.versions["embed_text"]] == "ready"
    with database.read_scope() as session:
        assert session.scalar(select(func.count()).where(JobRow.stage == "embed_text")) == 1
