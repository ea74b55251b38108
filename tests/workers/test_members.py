"""Assets inside assets: found once, ended together, whatever dies in between."""

import hashlib

import pytest
from sqlalchemy import func, select, update

from infra.children import Children
from infra.contents import Contents
from infra.holders import Holders
from infra.memory_store import InMemoryObjectStore
from infra.settings import MediaLimits
from infra.tables import AssetRow, JobRow, ObjectRow, SegmentRow
from infra.vectors.memory import InMemoryVectorStore
from orchestrator.intake.events import Intake
from schemas.asset import AssetState
from schemas.errors import ObjectNotFound, ObjectStoreUnavailable
from schemas.member import MEMBER_BUCKET, member_id
from schemas.search import Filter
from tests.factories import make_facts, make_job, make_ref
from tests.workers.stubs import Pipeline, embedding, inside
from workers.batch import JobRun
from workers.members import MemberStore
from workers.stage import MemberFile, Prepared

MAIL = f"(hello) {inside('a.jpg', 'red boat')} {inside('b.jpg', 'blue sea')}"
ARCHIVE = inside("a.jpg", "red") + " " + inside("y.zip", inside("b.jpg", "sea"))
NESTED = f"(mail) {inside('x.zip', ARCHIVE)}"


class Killed(BaseException):
    """The process ends here."""


class Artifacts(InMemoryObjectStore):
    """Fails at the upload whose key ends with `at`, once."""

    at, error = "", None

    def upload(self, path, ref):
        super().upload(path, ref)
        if self.at and self.at in ref.key:
            self.at = ""
            raise self.error


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def pipeline(database, settings, stub_stages):
    pipeline = Pipeline(database, settings, InMemoryVectorStore(), artifacts=Artifacts())
    yield pipeline
    pipeline.leases.close()


def children(pipeline, asset_id):
    """{path inside: state}"""
    with pipeline.database.read_scope() as session:
        found = Children(session).of([asset_id])[asset_id]
    return {"/".join(child.inside): child.state for child in found}


def child(pipeline, asset_id, *path):
    with pipeline.database.read_scope() as session:
        found = Children(session).of([asset_id])[asset_id]
    return next(child.asset_id for child in found if child.inside == path)


def keys(pipeline, prefix=""):
    return sorted(head.ref.key for head in pipeline.artifacts.list("artifacts", prefix))


def n_assets(pipeline):
    with pipeline.database.read_scope() as session:
        living = AssetRow.state != AssetState.DELETED
        return session.scalar(select(func.count()).select_from(AssetRow).where(living))


def check_all_agree(pipeline):
    """Bucket, database and vectors hold the same assets, and nothing of others."""
    with pipeline.database.read_scope() as session:
        living = set(
            session.scalars(select(AssetRow.id).where(AssetRow.state != AssetState.DELETED))
        )
        with_rows = set(session.scalars(select(SegmentRow.asset_id)))
        points = set(session.scalars(select(SegmentRow.id).where(SegmentRow.stage.like("embed%"))))
        members = set(session.scalars(select(ObjectRow.parent_id))) - {None}
    assert with_rows | members <= living
    assert {key.split("/")[1] for key in keys(pipeline)} <= {str(a) for a in living}
    assert {point for found in pipeline.points().values() for point in found} == points


# -- what becomes of members -----------------------------------------------------------------


def test_members_become_assets_with_states_of_their_own(pipeline):
    mail = pipeline.put("mail.eml", f"{MAIL} {inside('c.jpg', 'unreadable-object')}")

    pipeline.work()

    assert children(pipeline, mail) == {"a.jpg": "ready", "b.jpg": "ready", "c.jpg": "failed"}
    assert pipeline.asset_state(mail) == "ready"
    assert pipeline.texts(child(pipeline, mail, "a.jpg"), "embed_visual") == ["red", "boat"]
    check_all_agree(pipeline)


def test_member_is_found_under_its_parent(pipeline):
    mail = pipeline.put("mail.eml", inside("x.zip", inside("deep/a.jpg", "red")))
    pipeline.work()
    inner = child(pipeline, mail, "x.zip", "deep/a.jpg")

    with pipeline.database.read_scope() as session:
        located = Holders(session).locate([inner])[inner]

    assert (located.ref.key, located.inside) == ("mail.eml", ("x.zip", "deep/a.jpg"))
    assert located.named.name == "a.jpg"


def test_points_of_a_member_carry_the_bucket_of_the_outermost_object(pipeline):
    pipeline.put("mail.eml", inside("a.jpg", "boat"))
    pipeline.work()

    with pipeline.database.read_scope() as session:
        (space,) = [s for s in Contents(session).spaces() if s.name == "visual"]
    (hit,) = pipeline.vectors.search(space, "t", embedding("boat"), filter=Filter(), limit=9)

    assert hit.payload["bucket"] == "b"


def test_ids_are_derived_from_parent_path_and_content(pipeline):
    mail = pipeline.put("mail.eml", inside("a.jpg", "red"))
    pipeline.work()

    with pipeline.database.read_scope() as session:
        row = session.scalars(select(ObjectRow).where(ObjectRow.parent_id == mail)).one()

    assert row.id == row.asset_id == member_id(mail, "a.jpg", row.generation)
    assert (row.bucket, row.key) == (MEMBER_BUCKET, f"{mail}/a.jpg")
    assert f"t/{mail}/members/{row.id}" in keys(pipeline)


def test_same_content_twice_is_one_asset(pipeline):
    logo = pipeline.put("logo.jpg", "red boat")
    pipeline.work()
    mails = [pipeline.put(f"{n}.eml", f"({n}) {inside('l.jpg', 'red boat')}") for n in range(3)]

    pipeline.work()

    assert {child(pipeline, mail, "l.jpg") for mail in mails} == {logo}
    assert n_assets(pipeline) == 4
    check_all_agree(pipeline)


def test_same_content_in_one_batch_is_one_asset(pipeline):
    mails = [pipeline.put(f"{n}.eml", f"({n}) {inside('l.jpg', 'red boat')}") for n in range(3)]

    pipeline.work()

    assert len({child(pipeline, mail, "l.jpg") for mail in mails}) == 1
    assert n_assets(pipeline) == 4


# -- dying and running twice -----------------------------------------------------------------


@pytest.mark.parametrize("at", ["view-0", "members/"])
def test_prepare_that_died_halfway_names_the_same_children(pipeline, at):
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.artifacts.at, pipeline.artifacts.error = at, Killed()
    with pytest.raises(Killed):
        pipeline.work()
    left = [key for key in keys(pipeline) if "members" in key]
    assert children(pipeline, mail) == {}

    pipeline.expire_leases()
    pipeline.make_runner("w2")
    pipeline.work()

    assert children(pipeline, mail) == {"a.jpg": "ready", "b.jpg": "ready"}
    members = [key for key in keys(pipeline) if "members" in key]
    assert set(left) <= set(members)
    assert len(members) == 2
    check_all_agree(pipeline)


def test_upload_that_is_refused_gives_the_job_back(pipeline):
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.artifacts.at, pipeline.artifacts.error = "members/", ObjectStoreUnavailable("503")

    pipeline.work()

    assert pipeline.jobs(mail) == {("prepare", 0): "ready"}
    assert pipeline.job(mail, "prepare").attempts == 0


def test_prepare_that_runs_twice_changes_nothing(pipeline):
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.work()
    before = (keys(pipeline), pipeline.points(), children(pipeline, mail), n_assets(pipeline))

    replan(pipeline, mail, "prepare")

    assert (keys(pipeline)[-2:], pipeline.points(), children(pipeline, mail)) == (
        before[0][-2:],
        *before[1:3],
    )
    assert n_assets(pipeline) == before[3]
    check_all_agree(pipeline)


def replan(pipeline, asset_id, stage):
    """Run one job of an asset again, as if it had not been done."""
    with pipeline.database.session_scope() as session:
        where = (JobRow.asset_id == asset_id, JobRow.stage == stage)
        session.execute(update(JobRow).where(*where).values(state="ready"))
    pipeline.work()


def test_member_that_is_no_longer_found_goes(pipeline):
    """As when a later release opens a file in another way."""
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.work()
    gone = child(pipeline, mail, "b.jpg")
    pipeline.objects.put(
        make_ref(key="mail.eml"), f"(hello) {inside('a.jpg', 'red boat')}".encode()
    )

    replan(pipeline, mail, "prepare")
    pipeline.lifecycle.purge()

    assert children(pipeline, mail) == {"a.jpg": "ready"}
    assert pipeline.asset_state(gone) == "deleted"
    check_all_agree(pipeline)


def test_member_that_comes_back_is_an_asset_again(pipeline):
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.work()
    for words in (f"(hello) {inside('a.jpg', 'red boat')}", MAIL):
        pipeline.objects.put(make_ref(key="mail.eml"), words.encode())
        replan(pipeline, mail, "prepare")
        pipeline.lifecycle.purge()

    assert children(pipeline, mail) == {"a.jpg": "ready", "b.jpg": "ready"}
    check_all_agree(pipeline)


# -- the end of the parent -------------------------------------------------------------------


@pytest.mark.parametrize("n_batches", [1, 2, 4, 100])
def test_deleting_the_parent_ends_all_below_it(pipeline, n_batches):
    """Also while members are still on their way."""
    kept = pipeline.put("kept.jpg", "green")
    mail = pipeline.put("mail.eml", NESTED)
    for _ in range(n_batches):
        if pipeline.dispatch():
            pipeline.runner.run_batch(pipeline.messages.pop(0))

    pipeline.lifecycle.delete([mail])
    pipeline.work()
    pipeline.lifecycle.purge()

    assert n_assets(pipeline) == 1
    assert pipeline.asset_state(kept) == "ready"
    assert keys(pipeline, f"t/{mail}") == []
    check_all_agree(pipeline)


def test_parent_that_leaves_the_bucket_takes_its_members_along(pipeline):
    mail = pipeline.put("mail.eml", NESTED)
    pipeline.work()
    pipeline.objects.delete(make_ref(key="mail.eml"))

    with pytest.raises(ObjectNotFound):
        pipeline.intake.admit(make_ref(key="mail.eml"), "t")
    pipeline.lifecycle.purge()

    assert (n_assets(pipeline), keys(pipeline)) == (0, [])
    assert set().union(*pipeline.points().values()) == set()
    assert children(pipeline, mail) == {}


def test_new_bytes_of_the_parent_have_members_of_their_own(pipeline):
    old = pipeline.put("mail.eml", MAIL)
    pipeline.work()

    new = pipeline.put("mail.eml", f"(hello again) {inside('b.jpg', 'blue sea')}")
    pipeline.work()
    pipeline.lifecycle.purge()

    assert children(pipeline, old) == {}
    assert children(pipeline, new) == {"b.jpg": "ready"}
    assert n_assets(pipeline) == 2
    check_all_agree(pipeline)


def test_content_that_a_bucket_holds_too_survives_its_parent(pipeline):
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.work()
    boat = pipeline.put("boat.jpg", "red boat")
    pipeline.work()

    pipeline.lifecycle.delete([mail])
    pipeline.lifecycle.purge()

    assert pipeline.asset_state(boat) == "deleted"  # it had joined the member's asset
    with pipeline.database.read_scope() as session:
        (kept,) = session.scalars(select(AssetRow).where(AssetRow.state == AssetState.READY))
        assert Holders(session).locate([kept.id])[kept.id].ref.key == "boat.jpg"
    check_all_agree(pipeline)


def test_member_is_read_from_whichever_parent_is_left(pipeline):
    mails = [pipeline.put(f"{n}.eml", f"({n}) {inside('l.jpg', 'red')}") for n in range(2)]
    pipeline.work()
    kept = child(pipeline, mails[1], "l.jpg")
    pipeline.lifecycle.delete(mails[:1])
    pipeline.lifecycle.purge()

    replan(pipeline, kept, "prepare")

    assert pipeline.asset_state(kept) == "ready"


def test_child_that_the_user_deleted_stays_deleted(pipeline):
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.work()
    pipeline.lifecycle.delete([child(pipeline, mail, "a.jpg")])
    pipeline.lifecycle.purge()

    replan(pipeline, mail, "prepare")

    assert children(pipeline, mail) == {"a.jpg": "deleted", "b.jpg": "ready"}
    check_all_agree(pipeline)


# -- hostile ---------------------------------------------------------------------------------


def limited(pipeline, **limits):
    pipeline.settings.__dict__["media_limits"] = MediaLimits(**limits)
    pipeline.runner = pipeline.make_runner("limited")


def test_all_that_is_inside_one_object_is_bounded(pipeline):
    limited(pipeline, n_members=4)
    words = " ".join(
        inside(f"{z}.zip", " ".join(inside(f"{n}.jpg", f"word{z}{n}") for n in range(3)))
        for z in range(3)
    )

    bomb = pipeline.put("bomb.zip", words)
    pipeline.work()

    assert len(children(pipeline, bomb)) == 4
    states = {pipeline.asset_state(child(pipeline, bomb, f"{z}.zip")) for z in range(3)}
    assert "partial" in states
    (failure,) = {f for z in range(3) for f in pipeline.failures(child(pipeline, bomb, f"{z}.zip"))}
    assert failure == ("prepare", "MediaTooLarge")


def test_bytes_inside_one_object_are_bounded(pipeline):
    limited(pipeline, unpacked_bytes=10)

    mail = pipeline.put("mail.eml", f"{inside('a.jpg', 'x' * 8)} {inside('b.jpg', 'y' * 8)}")
    pipeline.work()

    assert children(pipeline, mail) == {"a.jpg": "ready"}
    assert pipeline.failures(mail) == [("prepare", "MediaTooLarge")]


def test_member_knows_what_is_around_it(pipeline):
    outer = pipeline.put("outer.zip", NESTED)
    pipeline.work()
    innermost = child(pipeline, outer, "x.zip", "y.zip", "b.jpg")

    with pipeline.database.read_scope() as session:
        around = Holders(session).surroundings(innermost)
        n_hashes = session.scalar(select(func.count(AssetRow.sha256)))

    assert (around.depth, around.n_members) == (3, 4)
    assert len(around.sha256s) == n_hashes - 1  # all but its neighbour's


def test_archive_that_holds_itself_is_opened_once(pipeline, tmp_path):
    """`r.zip`: its one member is the archive itself, byte by byte."""
    asset_id = pipeline.put("r.zip", "word")
    (tmp_path / "self").write_bytes(b"itself")
    sha256 = hashlib.sha256(b"itself").hexdigest()
    prepared = Prepared(
        facts=make_facts(sha256=sha256),
        members=[MemberFile(name="r.zip", path=tmp_path / "self")],
    )
    job = make_job(asset_id=asset_id, stage="prepare")
    run = JobRun(job=job, scratch=tmp_path, results=[prepared])
    store = MemberStore(pipeline.database, pipeline.artifacts, pipeline.settings)

    assert store.upload(run) == []
    assert [failure.category for failure in run.failures] == ["UnsupportedMedia"]
    assert keys(pipeline) == []


def test_member_that_turns_out_to_be_its_parent_goes(pipeline):
    """Two that were opened at the same moment, before either was known."""
    outer = pipeline.put("outer.zip", inside("inner.zip", "word"))
    pipeline.runner.run_batch(pipeline.dispatch_stage("prepare"))
    inner = child(pipeline, outer, "inner.zip")
    with pipeline.database.session_scope() as session:
        sha256 = session.get_one(ObjectRow, inner).generation
        session.execute(update(AssetRow).where(AssetRow.id == outer).values(sha256=sha256))

    pipeline.work()
    pipeline.lifecycle.delete([outer])
    pipeline.lifecycle.purge()

    assert pipeline.asset_state(inner) == "deleted"
    assert (n_assets(pipeline), keys(pipeline)) == (0, [])


def test_new_versions_of_stages_reach_what_is_inside(pipeline, database, settings):
    mail = pipeline.put("mail.eml", MAIL)
    pipeline.work()
    a = child(pipeline, mail, "a.jpg")
    newer = {**settings.versions, "embed_visual": "newer"}
    settings.__dict__["versions"] = newer
    later = Pipeline(database, settings, pipeline.vectors, objects=pipeline.objects)
    later.artifacts = pipeline.artifacts
    later.intake = Intake(database, pipeline.objects, settings)
    later.runner = pipeline.runner

    later.intake.admit(make_ref(key="mail.eml"), "t")

    with database.read_scope() as session:
        where = (JobRow.asset_id == a, JobRow.version == "newer")
        assert session.scalars(select(JobRow.stage).where(*where)).all() == ["embed_visual"]
    later.leases.close()
