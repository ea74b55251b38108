"""Artifacts, segments and spaces: what stages made of an asset, within one transaction."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, false, or_, select
from sqlalchemy.orm import Session

from infra.database import db_now
from infra.fan_in import insert_absent
from infra.holders import Holders
from infra.tables import ArtifactRow, AssetRow, SegmentRow, SpaceRow
from infra.vectors.store import Space
from schemas.asset import (
    Artifact,
    ArtifactKind,
    AssetId,
    AssetState,
    MediaType,
    ObjectRef,
)
from schemas.job import Job
from schemas.segment import Box, Locator, Page, Region, Segment, TimeSpan, place, segment_id
from schemas.stages import ModelRef


class FoundSegment(NamedTuple):
    """A segment with what a hit must show of its asset."""

    segment_id: UUID
    asset_id: AssetId
    media_type: MediaType
    ref: ObjectRef
    stage: str
    segment: Segment
    #: Path from the object at `ref` to the member that the asset is.
    inside: tuple[str, ...] = ()


class Contents:
    """Artifact, segment and space rows within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put_artifacts(self, made: Mapping[AssetId, Sequence[Artifact]]) -> list[str]:
        """Make these the assets' artifacts; returns the keys of those that are no longer used."""
        whose = ArtifactRow.asset_id.in_(made)
        old = set(
            self._session.scalars(delete(ArtifactRow).where(whose).returning(ArtifactRow.key))
        )
        rows = [
            {
                "asset_id": asset_id,
                **artifact.model_dump(include={"kind", "part", "key", "size_bytes"}),
                "contents": artifact.model_dump(mode="json", include={"images", "audio"}),
            }
            for asset_id, artifacts in made.items()
            for artifact in artifacts
        ]
        insert_absent(self._session, ArtifactRow, rows)
        return sorted(old - {row["key"] for row in rows})

    def artifacts(self, asset_id: AssetId) -> list[Artifact]:
        """All artifacts of an asset, by kind and part."""
        rows = self._session.scalars(
            select(ArtifactRow)
            .where(ArtifactRow.asset_id == asset_id)
            .order_by(ArtifactRow.kind, ArtifactRow.part)
        )
        return [_artifact(row) for row in rows]

    def get_artifact(self, asset_id: AssetId, kind: ArtifactKind, part: int) -> Artifact:
        """One artifact.

        Raises:
            LookupError: a job reads an artifact that `prepare` did not record: our defect.
        """
        row = self._session.get(ArtifactRow, (asset_id, kind, part))
        if row is None:
            raise LookupError(f"no artifact {kind}/{part} of asset {asset_id}")
        return _artifact(row)

    def put_segments(self, found: Sequence[tuple[Job, Mapping[int, Sequence[Segment]]]]) -> None:
        """Make these, by part, the only segments of the jobs. Safe to repeat."""
        written = or_(false(), *(_written_by(job) for job, _ in found))
        self._session.execute(delete(SegmentRow).where(written))
        rows = [
            _segment_row(job, part, segment)
            for job, parts in found
            for part, segments in parts.items()
            for segment in segments
        ]
        insert_absent(self._session, SegmentRow, rows)

    def segments(
        self, asset_id: AssetId, stage: str | None = None, part: int | None = None
    ) -> list[tuple[str, Segment]]:
        """(stage, segment) of an asset in reading or time order."""
        where: list[ColumnElement[bool]] = [SegmentRow.asset_id == asset_id]
        where += [SegmentRow.stage == stage] if stage is not None else []
        where += [SegmentRow.part == part] if part is not None else []
        rows = self._session.scalars(
            select(SegmentRow)
            .where(*where)
            .order_by(SegmentRow.stage, SegmentRow.part, SegmentRow.ordinal)
        )
        return [(row.stage, segment_of(row)) for row in rows]

    def hydrate(self, tenant: str, ids: Sequence[UUID]) -> dict[UUID, FoundSegment]:
        """The segments behind points, of visible assets only.

        Points without a row here (a deleted asset, a half-written batch, another tenant) are
        simply absent: what search serves is what the database says exists.
        """
        rows = self._session.execute(
            select(SegmentRow, AssetRow)
            .join(AssetRow, AssetRow.id == SegmentRow.asset_id)
            .where(
                SegmentRow.id.in_(ids),
                AssetRow.tenant == tenant,
                AssetRow.visible,
                AssetRow.state != AssetState.DELETED,
            )
        ).all()
        located = Holders(self._session).locate({asset.id for _, asset in rows})
        found = {}
        for row, asset in rows:
            if asset.id not in located:
                continue
            assert asset.media_type is not None  # segments exist: `prepare` has described it
            found[row.id] = FoundSegment(
                segment_id=row.id,
                asset_id=AssetId(asset.id),
                media_type=asset.media_type,
                ref=located[asset.id].ref,
                stage=row.stage,
                segment=segment_of(row),
                inside=located[asset.id].inside,
            )
        return found

    def text_parts(self, asset_id: AssetId) -> list[int]:
        """Parts in which `prepare` found text."""
        return list(
            self._session.scalars(
                select(SegmentRow.part)
                .where(SegmentRow.asset_id == asset_id, SegmentRow.stage == "prepare")
                .distinct()
                .order_by(SegmentRow.part)
            )
        )

    def put_space(self, space: Space, model: ModelRef) -> None:
        """Record a vector space that holds points. Safe to repeat."""
        row = {
            "name": space.name,
            "fingerprint": space.fingerprint,
            "embedding_dim": space.embedding_dim,
            "has_sparse": space.has_sparse,
            "model": model.model_dump(mode="json"),
        }
        insert_absent(self._session, SpaceRow, [row], created_at=db_now())

    def spaces(self) -> list[Space]:
        """All vector spaces that ever got a point."""
        rows = self._session.scalars(select(SpaceRow).order_by(SpaceRow.name))
        return [
            Space(
                name=row.name,
                fingerprint=row.fingerprint,
                embedding_dim=row.embedding_dim,
                has_sparse=row.has_sparse,
            )
            for row in rows
        ]


def _artifact(row: ArtifactRow) -> Artifact:
    return Artifact(
        kind=row.kind, part=row.part, key=row.key, size_bytes=row.size_bytes, **row.contents
    )


def _written_by(job: Job) -> ColumnElement[bool]:
    own = and_(SegmentRow.asset_id == job.asset_id, SegmentRow.stage == job.stage)
    # `prepare` is one job that writes several parts; all others write their own only.
    return own if job.stage == "prepare" else and_(own, SegmentRow.part == job.part)


def _segment_row(job: Job, part: int, segment: Segment) -> dict[str, object]:
    where = place(segment.locator)
    return {
        "id": segment_id(job.tenant, job.asset_id, job.stage, job.version, part, segment.ordinal),
        "asset_id": job.asset_id,
        "stage": job.stage,
        "version": job.version,
        "part": part,
        "page": where.page,
        "start_s": where.start_s,
        "end_s": where.end_s,
        "box": list(where.box) if where.box else None,
        **segment.model_dump(exclude={"locator"}),
    }


def _locator(row: SegmentRow) -> Locator | None:
    within: Page | TimeSpan | None = None
    if row.page is not None:
        within = Page(page=row.page)
    elif row.start_s is not None and row.end_s is not None:
        within = TimeSpan(start_s=row.start_s, end_s=row.end_s)
    return Region(box=Box(*row.box), within=within) if row.box else within


def segment_of(row: SegmentRow) -> Segment:
    """The row as the rest of the system sees it."""
    return Segment(
        ordinal=row.ordinal,
        locator=_locator(row),
        text=row.text,
        language=row.language,
        confidence=row.confidence,
        searchable=row.searchable,
        role=row.role,
        extra=row.extra,
    )
