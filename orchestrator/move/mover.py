"""A move from begin to end; killed anywhere, the same command goes on.

Artifacts and points are copied first, then all rows by one transaction, for search and workers
believe rows only: until then the target is empty to them. Last, both ends are compared.
"""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from infra.holdings import Holdings
from infra.moves import Move, Moves
from infra.table_copy import copy_rows, keys_below
from infra.vectors.store import Space
from orchestrator.move.artifacts import ArtifactMover
from orchestrator.move.begin import begin, find_move, quiet
from orchestrator.move.ends import End, describe_source, describe_stores, describe_target
from orchestrator.move.points import copy_points
from orchestrator.move.show import Show
from orchestrator.move.verify import (
    compare_artifacts,
    compare_collections,
    compare_tables,
    differences,
    spaces_of,
)
from schemas.move import CollectionReport, MoveReport, MoveState, TableReport


class Mover:
    """Moves one installation, or tells what moving it would mean."""

    def __init__(self, source: End, target: End, show: Show) -> None:
        self._source = source
        self._target = target
        self._show = show
        self._ends = (source, target, show)
        self._started_s = time.monotonic()

    def plan(self) -> MoveReport:
        """What would be moved; nothing is written.

        Raises:
            ConfigurationError: it could not be.
        """
        move = find_move(self._source, self._target)
        with quiet(self._target):
            pass
        artifacts = ArtifactMover(self._source, self._target)
        with self._source.database.read_scope() as session:
            n_rows, tenants = Holdings(session).n_rows(), Holdings(session).tenants()
        vectors = self._source.vectors
        return self._report(
            move.state if move else None,
            resumed=move is not None,
            tables=tuple(TableReport(name=name, n_source=n) for name, n in n_rows.items()),
            collections=tuple(
                CollectionReport(
                    name=space.collection, n_source=sum(vectors.count(space, t) for t in tenants)
                )
                for space in spaces_of(self._source)
            ),
            artifacts=artifacts.count(self._show.phase("count artifacts", n_rows["assets"])),
        )

    def run(self) -> MoveReport:
        """Move what is not moved yet, then compare.

        Raises:
            ConfigurationError: the target is not this installation's, or somebody works on it.
            TransientError: an end went away; run it again.
        """
        move = find_move(self._source, self._target)
        if move and move.state is MoveState.FINISHED:
            return self._compare(move, resumed=True)
        with quiet(self._target):
            resumed = move is not None
            move = move or begin(self._source, self._target)
            if move.state is MoveState.COPYING:
                self._copy(move)
            elif all(
                table.is_same for table in compare_tables(self._source, self._target, self._show)
            ):
                # An earlier run has copied everything and then found something different.
                self._mend()
            return self._compare(move, resumed=resumed)

    def _copy(self, move: Move) -> None:
        ArtifactMover(self._source, self._target).check_source()
        self._copy_artifacts(trusting=True)
        self._copy_points(move.id, dict(move.cursors))
        self._copy_rows(move)

    def _mend(self) -> None:
        """Copy what an earlier run found different; nobody has written to the target since."""
        self._copy_artifacts(trusting=False)
        self._copy_points(None, {})

    def _copy_artifacts(self, *, trusting: bool) -> None:
        advance = self._show.phase("copy artifacts", self._n_rows()["assets"])
        ArtifactMover(self._source, self._target).copy(advance, trusting=trusting)

    def _copy_points(self, move_id: UUID | None, cursors: dict[str, str]) -> None:
        """Copy all spaces, each behind its cursor; cursors are kept for a move that is named."""
        for space in spaces_of(self._source):
            self._copy_space(space, move_id, cursors)

    def _copy_space(self, space: Space, move_id: UUID | None, cursors: dict[str, str]) -> None:
        advance = self._show.phase(f"copy {space.collection}")
        last = cursors.get(space.collection)

        def on_page(last_id: UUID, n_points: int) -> None:
            cursors[space.collection] = str(last_id)
            if move_id:
                with self._target.database.session_scope() as session:
                    Moves(session).save_cursors(move_id, cursors)
            advance(n_points)

        after = UUID(last) if last else None
        stores = (self._source.vectors, self._target.vectors)
        copy_points(*stores, space, after=after, on_page=on_page)

    def _copy_rows(self, move: Move) -> None:
        """All rows and the word that they are there, by one transaction."""
        advance = self._show.phase("copy rows", sum(self._n_rows().values()))
        rewrites = keys_below(self._target.settings.artifact_root)
        with (
            self._source.database.read_scope() as ours,
            self._target.database.session_scope() as theirs,
        ):
            copy_rows(ours, theirs, rewrites, advance)
            Moves(theirs).advance(move.id, MoveState.COPIED)

    def _n_rows(self) -> dict[str, int]:
        with self._source.database.read_scope() as session:
            return Holdings(session).n_rows()

    def _compare(self, move: Move, *, resumed: bool) -> MoveReport:
        """Compare both ends; the first time that they are equal the move is finished."""
        tables = compare_tables(*self._ends)
        collections = compare_collections(*self._ends)
        artifacts = compare_artifacts(*self._ends, self._n_rows()["assets"])
        found = tuple(differences(tables, collections, artifacts))
        state = MoveState.FINISHED if move.state is MoveState.FINISHED else MoveState.COPIED
        if not found and state is not MoveState.FINISHED:
            state = MoveState.FINISHED
            for end in (self._source, self._target):
                with end.database.session_scope() as session:
                    Moves(session).advance(move.id, state)
        return self._report(
            state,
            resumed=resumed,
            tables=tables,
            collections=collections,
            artifacts=artifacts,
            differences=found,
        )

    def _report(self, state: MoveState | None, **found: Any) -> MoveReport:
        return MoveReport(
            source=describe_source(self._source),
            target=f"{describe_target(self._target)}, {describe_stores(self._target)}",
            state=state,
            remarks=tuple(self._remarks()),
            seconds=round(time.monotonic() - self._started_s, 3),
            **found,
        )

    def _remarks(self) -> Iterator[str]:
        with self._source.database.read_scope() as session:
            n_local = Holdings(session).n_local_objects()
        if n_local:
            yield (
                f"{n_local} objects are files of this machine: search finds them anywhere, but "
                "only workers that see the same paths can read them again"
            )
        lock_file = self._source.settings.lock_file
        if lock_file.exists():
            yield (
                f"{lock_file} pins the models of this index: give it to every process of the "
                "cluster (SLUICE_MODELS_LOCK), or search will ask for other collections"
            )
