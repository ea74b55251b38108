"""Whether both ends of a move hold the same, and what differs."""

from collections.abc import Iterator

from infra.contents import Contents
from infra.holdings import CONTENT_TABLES
from infra.table_copy import keys_below
from infra.table_digest import digest
from infra.vectors.store import Space
from orchestrator.move.artifacts import ArtifactMover
from orchestrator.move.ends import End
from orchestrator.move.points import compare_points
from orchestrator.move.show import Show
from schemas.move import ArtifactsReport, CollectionReport, TableReport


def spaces_of(end: End) -> list[Space]:
    """The collections that an installation's rows know."""
    with end.database.read_scope() as session:
        return Contents(session).spaces()


def compare_tables(source: End, target: End, show: Show) -> tuple[TableReport, ...]:
    """Read all rows at both ends."""
    rewrites = keys_below(target.settings.artifact_root)
    reports = []
    with source.database.read_scope() as ours, target.database.read_scope() as theirs:
        for table in CONTENT_TABLES:
            advance = show.phase(f"compare {table.name}")
            source_digest = digest(ours, table, rewrites.get(table.name), advance)
            target_digest = digest(theirs, table)
            reports.append(
                TableReport(
                    name=table.name,
                    n_source=source_digest.n_rows,
                    n_target=target_digest.n_rows,
                    digest_source=source_digest.digest,
                    digest_target=target_digest.digest,
                )
            )
    return tuple(reports)


def compare_collections(source: End, target: End, show: Show) -> tuple[CollectionReport, ...]:
    """Read all points at both ends."""
    return tuple(
        compare_points(
            source.vectors, target.vectors, space, show.phase(f"compare {space.collection}")
        )
        for space in spaces_of(source)
    )


def compare_artifacts(source: End, target: End, show: Show, n_assets: int) -> ArtifactsReport:
    """Read all bytes at both ends."""
    advance = show.phase("compare artifacts", n_assets)
    return ArtifactMover(source, target).compare(advance)


def differences(
    tables: tuple[TableReport, ...],
    collections: tuple[CollectionReport, ...],
    artifacts: ArtifactsReport,
) -> Iterator[str]:
    """One line for each thing that is not the same at both ends."""
    for table in tables:
        if not table.is_same:
            counts = f"{table.n_source} rows here, {table.n_target} there"
            yield f"table {table.name}: {counts}, digests differ"
    for collection in collections:
        yield from _difference(f"collection {collection.name}", collection)
    yield from _difference("artifacts", artifacts)


def _difference(name: str, found: CollectionReport | ArtifactsReport) -> Iterator[str]:
    counts = {
        "missing there": found.n_missing,
        "there only": found.n_extra,
        "different": found.n_different,
        "lost before the move": found.n_lost if isinstance(found, ArtifactsReport) else 0,
    }
    if not found.is_same:
        words = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
        yield f"{name}: {words}: {', '.join(found.examples)}"
