"""Whole moves, as the command runs them."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, text, update

from infra.contents import Contents
from infra.database import Database, db_now, migrate
from infra.home_lock import HomeLock, StoreInUse
from infra.leadership import Leadership
from infra.moves import Moves
from infra.tables import AssetRow, FailureRow, OutboxRow, SegmentRow, WorkerRow
from orchestrator.commands import EXIT_STOPPED
from orchestrator.commands.migrate import run_migrate
from orchestrator.move import mover as moving
from orchestrator.move.ends import End
from orchestrator.move.mover import Mover
from orchestrator.search.query import Searcher
from schemas.asset import ObjectRef
from schemas.errors import ConfigurationError
from schemas.move import MoveState
from schemas.search import Query
from tests.workers.stubs import embedding

ROOT = Path(__file__).parents[3]


class WordEncoder:
    """Puts a word where the stub stages put it."""

    def encode_text(self, space: str, text: str) -> Any:
        return embedding(text)

    def encode_sparse(self, text: str) -> None:
        return None


def answers(end: End, tenant: str, own_word: str) -> list[Any]:
    """Hits of many questions; equal vectors may come in any order, and so has their rank.

    One word is in a single object of the tenant, which must come first.
    """
    searcher = Searcher(end.database, end.vectors, WordEncoder(), end.settings.model_refs)
    found = []
    for word in ("shared", "word3", "other1", "layer2", own_word):
        hits = searcher.search(Query(text=word, limit=20), tenant).hits
        evidence = {h.uri: [(e.space, e.text, round(e.score, 5)) for e in h.evidence] for h in hits}
        found.append({uri: sorted(map(repr, said)) for uri, said in evidence.items()})
    return [*found, hits[0].uri]


def tables(report: Any) -> dict[str, int]:
    return {table["name"]: table["n_target"] for table in report["tables"]}


def test_move_brings_everything_and_says_so(moved: Any) -> None:
    status, report = moved()

    assert (status, report["state"], report["differences"]) == (0, "finished", [])
    assert not report["resumed"]
    assert report["tables"][0]["n_source"] == tables(report)["assets"] == 11
    assert all(table["digest_source"] == table["digest_target"] for table in report["tables"])
    assert all(c["n_source"] == c["n_target"] > 0 for c in report["collections"])
    assert len(report["collections"]) == 2
    artifacts = report["artifacts"]
    assert artifacts["n_source"] == artifacts["n_target"] == 9
    assert artifacts["bytes_source"] == artifacts["bytes_target"] > 0


def test_search_gives_the_same_answers_from_the_cluster(
    source: End, target: End, show: Any
) -> None:
    words = {"t": "word3", "u-2": "word7"}
    before = {tenant: answers(source, tenant, word) for tenant, word in words.items()}
    assert [before[tenant][-1] for tenant in words] == ["s3://b/3.txt", "s3://b/7.txt"]

    Mover(source, target, show).run()

    assert {tenant: answers(target, tenant, word) for tenant, word in words.items()} == before


def test_artifacts_are_found_by_the_rows_of_the_cluster(
    source: End, target: End, show: Any
) -> None:
    Mover(source, target, show).run()

    with target.database.read_scope() as session:
        assets = session.execute(select(AssetRow.id, AssetRow.tenant)).all()
        keys = [(a, t, x.key) for a, t in assets for x in Contents(session).artifacts(a)]
    assert len(keys) == 9
    for asset_id, tenant, key in keys:
        assert key.startswith(target.settings.artifact_prefix(tenant, asset_id))
        ref = ObjectRef(bucket=target.settings.artifact_bucket, key=key)
        assert target.artifacts.head(ref).size_bytes > 0


def test_new_rows_of_the_cluster_take_ids_of_their_own(source: End, target: End, show: Any) -> None:
    Mover(source, target, show).run()

    with target.database.session_scope() as session:
        highest = session.scalar(select(func.max(OutboxRow.id)))
        row = {"tenant": "t", "topic": "asset.ready", "asset_id": uuid4(), "created_at": 1.0}
        added = session.scalar(insert(OutboxRow).values(**row).returning(OutboxRow.id))
        assert session.scalar(select(func.count()).select_from(FailureRow)) == 1
    assert added == highest + 1


def test_move_again_only_compares(moved: Any, target: End) -> None:
    moved()
    key = "made/here/t"
    with target.database.read_scope() as session:
        before = [move.id for move in Moves(session).all()]

    status, report = moved()

    assert (status, report["state"], report["resumed"]) == (0, "finished", True)
    with target.database.read_scope() as session:
        assert [move.id for move in Moves(session).all()] == before
    assert key in next(target.artifacts.list("derived", "")).ref.key


def test_people_read_what_was_moved(home: Path, cluster: Any, capsys: Any) -> None:
    assert run_migrate(dry_run=True, as_json=False) == 0
    plan = capsys.readouterr().out
    assert run_migrate(dry_run=False, as_json=False) == 0

    shown = capsys.readouterr()
    assert "can be moved; nothing was written" in plan
    assert re.search(r"rows assets +11 +11 *\n", shown.out)
    assert re.search(r"artifacts +9 +9 *\n", shown.out)
    assert "moved, and equal at both ends" in shown.out
    assert "copy rows" in shown.err


def test_ctrl_c_ends_with_its_own_status(home: Path, cluster: Any, monkeypatch: Any) -> None:
    def interrupted(_mover: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Mover, "run", interrupted)

    assert run_migrate(dry_run=False, as_json=True) == EXIT_STOPPED
    HomeLock(home, "test").close()


def test_home_is_as_it_was(moved: Any, home: Path, target: End) -> None:
    files = {p: p.read_bytes() for p in (home / "artifacts").rglob("*") if p.is_file()}

    moved()

    assert {p: p.read_bytes() for p in (home / "artifacts").rglob("*") if p.is_file()} == files
    assert list((home / "scratch").iterdir()) == []
    HomeLock(home, "test").close()


# -- dry run ---------------------------------------------------------------------------------


def test_dry_run_says_what_would_be_moved_and_writes_nothing(moved: Any, target: End) -> None:
    status, plan = moved(dry_run=True)

    assert (status, plan["state"]) == (0, None)
    assert {table["n_target"] for table in plan["tables"]} == {None}
    with target.database.read_scope() as session:
        there = session.scalar(
            text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")
        )
    assert there == 0
    assert target.vectors.collections() == []
    assert list(target.artifacts.list("derived", "")) == []
    _, report = moved()
    for part in ("tables", "collections"):
        counts = [{t["name"]: t["n_source"] for t in doc[part]} for doc in (plan, report)]
        assert counts[0] == counts[1]
    assert plan["artifacts"]["n_source"] == report["artifacts"]["n_source"]
    assert plan["artifacts"]["bytes_source"] == report["artifacts"]["bytes_source"]


def test_dry_run_tells_of_a_move_that_was_begun(moved: Any) -> None:
    moved()

    _, plan = moved(dry_run=True)

    assert plan["state"] == "finished"


# -- what verifying finds --------------------------------------------------------------------


def spoil_row(target: End) -> str:
    with target.database.session_scope() as session:
        chosen = session.scalar(select(SegmentRow.id).limit(1))
        session.execute(update(SegmentRow).where(SegmentRow.id == chosen).values(text="forged"))
    return "table segments"


def spoil_point(target: End) -> str:
    with target.database.read_scope() as session:
        space = Contents(session).spaces()[0]
    (page,) = target.vectors.scan(space)
    page[0].point.dense[:] = page[0].point.dense[::-1]
    target.vectors.put(space, page[:1])
    return f"collection {space.collection}: 1 different: {page[0].point.id}"


def spoil_artifact(target: End, folder: Path) -> str:
    head = next(target.artifacts.list("derived", ""))
    (folder / "forged").write_bytes(b"x" * head.size_bytes)
    target.artifacts.upload(folder / "forged", head.ref)
    return "artifacts: 1 different: "


@pytest.mark.parametrize("what", ["row", "point", "artifact"])
def test_verifying_finds_what_was_tampered_with(
    moved: Any, target: End, tmp_path: Path, what: str
) -> None:
    moved()
    if what == "artifact":
        told = spoil_artifact(target, tmp_path)
    else:
        told = {"row": spoil_row, "point": spoil_point}[what](target)

    status, report = moved()

    (line,) = report["differences"]
    assert (status, line.startswith(told)) == (1, True), line
    assert report["state"] == "finished"


def test_finished_target_is_never_written_again(moved: Any, target: End, tmp_path: Path) -> None:
    moved()
    spoil_artifact(target, tmp_path)

    assert [moved()[0], moved()[0]] == [1, 1]


def test_what_differs_before_the_end_is_copied_once_more(
    moved: Any, source: End, target: End, tmp_path: Path, monkeypatch: Any, show: Any
) -> None:
    """The first run finds a forged artifact and a forged point; the second one mends both."""
    compare = moving.compare_tables

    def forge_first(*ends: Any) -> Any:
        spoil_artifact(target, tmp_path)
        spoil_point(target)
        return compare(*ends)

    monkeypatch.setattr(moving, "compare_tables", forge_first)
    first = Mover(source, target, show).run()
    monkeypatch.setattr(moving, "compare_tables", compare)
    second = Mover(source, target, show).run()

    assert (len(first.differences), first.state) == (2, MoveState.COPIED)
    assert (second.differences, second.state) == ((), MoveState.FINISHED)


def test_artifact_that_was_lost_before_is_told_and_stops_nothing(moved: Any, home: Path) -> None:
    lost = next(p for p in sorted((home / "artifacts").rglob("*")) if p.is_file())
    lost.unlink()

    status, report = moved()

    assert (status, report["state"]) == (1, "copied")
    assert report["differences"][0].startswith("artifacts: 1 lost before the move: ")
    assert report["artifacts"]["n_target"] == 8


# -- what is refused -------------------------------------------------------------------------


def test_home_in_use_is_not_moved(home: Path, moved: Any) -> None:
    with HomeLock(home, "up"), pytest.raises(StoreInUse, match="sluice up"):
        moved()


def test_target_under_an_orchestrator_is_refused(moved: Any, target: End) -> None:
    leadership = Leadership(target.database, "sweeping")
    assert leadership.hold()

    with pytest.raises(ConfigurationError, match="sluice orchestrator"):
        moved()
    leadership.close()
    assert moved()[0] == 0


def test_target_with_a_living_worker_is_refused(moved: Any, target: End, monkeypatch: Any) -> None:
    migrate(target.database)
    with target.database.session_scope() as session:
        row = {"name": "gpu-1", "queues": ["ocr"], "device": "cpu"}
        session.execute(insert(WorkerRow).values(**row, started_at=db_now(), seen_at=db_now()))

    with pytest.raises(ConfigurationError, match="worker gpu-1 takes batches"):
        moved()


# -- kill -9 ---------------------------------------------------------------------------------

#: Where the process dies: the first and later times that something is done, before or after it.
DEATHS = [
    "record:1:after",
    "upload:4:after",
    "put:1:after",
    "save_cursors:2:after",
    "copy_rows:1:before",
    "ANALYZE:4:after",
    "advance:1:before",
    "advance:1:after",
    "advance:2:after",
]


def dies(*deaths: str) -> None:
    """Run the command in a process that kills itself."""
    for death in deaths:
        script = [sys.executable, "-m", "tests.orchestrator.move.dying", death]
        done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == -9, done.stderr[-3000:]


@pytest.mark.parametrize("death", DEATHS)
def test_killed_move_goes_on_and_ends_the_same(moved: Any, death: str, home: Path) -> None:
    dies(death)

    status, report = moved()

    assert (status, report["state"], report["differences"]) == (0, "finished", [])
    assert report["resumed"] == (death != "record:1:after")
    assert tables(report)["assets"] == 11


def test_move_that_is_killed_again_and_again_gets_there(moved: Any) -> None:
    dies("upload:2:after", "put:3:before", "copy_rows:1:before", "compare_points:2:after")

    status, report = moved()

    assert (status, report["differences"]) == (0, [])


def test_nothing_can_be_found_before_all_rows_are_there(
    moved: Any, cluster: dict[str, str]
) -> None:
    dies("ANALYZE:5:after")

    database = Database(cluster["SLUICE_DATABASE_URL"])
    with database.read_scope() as session:
        assert session.scalar(select(func.count()).select_from(AssetRow)) == 0
    database.close()
