"""Reads for people: states, counts, failures. Nothing here writes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from infra.children import Children
from infra.contents import Contents
from infra.database import db_now
from infra.holders import Holders
from infra.tables import AssetRow, FailureRow, JobRow, ObjectRow, SegmentRow
from schemas.asset import AssetId, AssetState, MediaFacts, ObjectRef
from schemas.errors import Failure
from schemas.job import TERMINAL_JOB_STATES, JobState
from schemas.reports import (
    ArtifactReport,
    AssetDetails,
    AssetReport,
    FailureReport,
    SegmentReport,
    StageReport,
    StageStatus,
)
from schemas.segment import Locator, place
from schemas.stages import STAGES, ModelRef

#: Rates are counted over this long.
_RATE_WINDOW_S = 60.0
#: Parameters of one IN list; SQLite bounds them.
_IN_LIST = 500
#: From fine to worst; a stage with several parts shows the worst.
_WORST = [
    JobState.DONE,
    JobState.CANCELLED,
    JobState.WAITING,
    JobState.READY,
    JobState.DISPATCHED,
    JobState.RUNNING,
    JobState.FAILED,
    JobState.QUARANTINED,
]
_T = TypeVar("_T")
_LOCATOR: TypeAdapter[Locator] = TypeAdapter(Locator)


class Reports:
    """Reads within one transaction."""

    def __init__(
        self, session: Session, tenant: str, models: Mapping[str, ModelRef] | None = None
    ) -> None:
        """Read for one tenant; with `models`, stages name the model that runs there."""
        self._session = session
        self._tenant = tenant
        self._titles = {stage: model.title for stage, model in (models or {}).items()}

    def has_open(self, versions: Mapping[str, str]) -> bool:
        """Whether any job of these versions has not ended."""
        current = or_(*(and_(JobRow.stage == s, JobRow.version == v) for s, v in versions.items()))
        is_open = JobRow.state.in_(
            [state for state in JobState if state not in TERMINAL_JOB_STATES]
        )
        return self._session.scalar(select(JobRow.id).where(is_open, current).limit(1)) is not None

    def jobs_by_state(self) -> dict[str, dict[JobState, int]]:
        """Number of jobs by stage and state, stages in the order of the registry."""
        counts: dict[str, dict[JobState, int]] = {name: {} for name in STAGES}
        rows = self._session.execute(
            select(JobRow.stage, JobRow.state, func.count())
            .where(JobRow.tenant == self._tenant)
            .group_by(JobRow.stage, JobRow.state)
        )
        for stage, state, n in rows:
            counts.setdefault(stage, {})[state] = n
        return counts

    def stages(self) -> dict[str, StageStatus]:
        """Backlog, rate and estimate of each stage."""
        recent = (
            select(JobRow.stage, func.count())
            .where(JobRow.tenant == self._tenant, JobRow.finished_at > db_now() - _RATE_WINDOW_S)
            .group_by(JobRow.stage)
        )
        n_recent = dict(self._session.execute(recent).all())
        return {
            stage: _stage_status(jobs, n_recent.get(stage, 0) / _RATE_WINDOW_S)
            for stage, jobs in self.jobs_by_state().items()
        }

    def assets_by_state(self) -> dict[AssetState, int]:
        """Number of assets by state, deleted ones left out."""
        rows = self._session.execute(
            select(AssetRow.state, func.count())
            .where(AssetRow.tenant == self._tenant, AssetRow.state != AssetState.DELETED)
            .group_by(AssetRow.state)
        )
        counts = dict(rows.all())
        return {state: counts[state] for state in AssetState if state in counts}

    def ingested(self, refs: Sequence[ObjectRef]) -> list[AssetReport]:
        """One report per object, in the order given; objects without an asset are left out."""
        held: dict[tuple[str, str], AssetRow] = {}
        for chunk in _chunks(refs):
            rows = self._session.execute(
                select(ObjectRow.bucket, ObjectRow.key, AssetRow)
                .join(AssetRow, AssetRow.id == ObjectRow.asset_id)
                .where(ObjectRow.tenant == self._tenant, ObjectRow.key.in_([r.key for r in chunk]))
            )
            held |= {(bucket, key): asset for bucket, key, asset in rows}
        assets = {asset.id: asset for asset in held.values()}
        stages = self._stage_reports(list(assets))
        failures = self._failures(list(assets))
        children = Children(self._session).of(list(assets))
        found = [(ref, held[ref.bucket, ref.key]) for ref in refs if (ref.bucket, ref.key) in held]
        return [
            AssetReport(
                uri=ref.uri,
                asset_id=AssetId(asset.id),
                media_type=asset.media_type,
                state=asset.state,
                segments=sum(s.n_segments for s in stages[asset.id].values()),
                stages=stages[asset.id],
                failures=tuple(failures[asset.id]),
                children=dict(Counter(child.state for child in children[asset.id])),
            )
            for ref, asset in found
        ]

    def details(self, asset_id: AssetId) -> AssetDetails:
        """Everything known of one asset."""
        asset = self._session.get_one(AssetRow, asset_id)
        contents = Contents(self._session)
        held = Holders(self._session).held(asset_id)
        uris = list(dict.fromkeys(one.located.ref.uri for one in held))
        artifacts = contents.artifacts(asset_id)
        return AssetDetails(
            asset_id=asset_id,
            uri=uris[0] if uris else "",
            also_at=tuple(uris[1:]),
            inside=held[0].located.inside if held else (),
            media_type=asset.media_type,
            state=asset.state,
            facts=MediaFacts.model_validate(asset.facts) if asset.facts else None,
            stages=self._stage_reports([asset_id])[asset_id],
            artifacts=tuple(
                ArtifactReport(**a.model_dump(include={"kind", "part", "key", "size_bytes"}))
                for a in artifacts
            ),
            segments=tuple(
                SegmentReport(
                    stage=stage,
                    **segment.model_dump(
                        include={"text", "role", "language", "confidence", "searchable"}
                    ),
                    **place(segment.locator)._asdict(),
                )
                for stage, segment in sorted(
                    contents.segments(asset_id), key=lambda entry: _stage_order(entry[0])
                )
            ),
            failures=tuple(self._failures([asset_id])[asset_id]),
            children=tuple(Children(self._session).of([asset_id])[asset_id]),
        )

    def failures(self) -> list[FailureReport]:
        """All failures of assets that were not deleted, with one object each."""
        rows = self._session.scalars(
            select(FailureRow)
            .join(AssetRow, AssetRow.id == FailureRow.asset_id)
            .where(AssetRow.tenant == self._tenant, AssetRow.state != AssetState.DELETED)
            .order_by(FailureRow.id)
        ).all()
        located = Holders(self._session).locate({row.asset_id for row in rows})
        return [
            FailureReport(
                uri=located[row.asset_id].ref.uri,
                asset_id=AssetId(row.asset_id),
                failure=_failure(row),
                inside=located[row.asset_id].inside,
            )
            for row in rows
            if row.asset_id in located
        ]

    def n_children(self) -> int:
        """Number of assets that no bucket holds."""
        held = (ObjectRow.tenant == self._tenant, ObjectRow.asset_id.is_not(None))
        inner = select(ObjectRow.asset_id).where(*held, ObjectRow.parent_id.is_not(None))
        outer = select(ObjectRow.asset_id).where(*held, ObjectRow.parent_id.is_(None))
        both = inner.except_(outer).subquery()
        return self._session.scalar(select(func.count()).select_from(both)) or 0

    def _stage_reports(self, asset_ids: Sequence[UUID]) -> dict[UUID, dict[str, StageReport]]:
        jobs: dict[tuple[UUID, str], list[JobRow]] = defaultdict(list)
        n_segments: dict[tuple[UUID, str], int] = {}
        for chunk in _chunks(asset_ids):
            for row in self._session.scalars(select(JobRow).where(JobRow.asset_id.in_(chunk))):
                jobs[row.asset_id, row.stage].append(row)
            counts = (
                select(SegmentRow.asset_id, SegmentRow.stage, func.count())
                .where(SegmentRow.asset_id.in_(chunk))
                .group_by(SegmentRow.asset_id, SegmentRow.stage)
            )
            n_segments |= {(a, stage): n for a, stage, n in self._session.execute(counts)}
        reports: dict[UUID, dict[str, StageReport]] = {asset_id: {} for asset_id in asset_ids}
        for asset_id, stage in sorted(jobs, key=lambda key: _stage_order(key[1])):
            rows = jobs[asset_id, stage]
            n = n_segments.get((asset_id, stage), 0)
            reports[asset_id][stage] = _stage_report(rows, n, self._titles.get(stage))
        return reports

    def _failures(self, asset_ids: Sequence[UUID]) -> dict[UUID, list[Failure]]:
        failures: dict[UUID, list[Failure]] = {asset_id: [] for asset_id in asset_ids}
        for chunk in _chunks(asset_ids):
            rows = self._session.scalars(
                select(FailureRow).where(FailureRow.asset_id.in_(chunk)).order_by(FailureRow.id)
            )
            for row in rows:
                failures[row.asset_id].append(_failure(row))
        return failures


def _chunks(items: Sequence[_T]) -> Iterable[Sequence[_T]]:
    return (items[first : first + _IN_LIST] for first in range(0, len(items), _IN_LIST))


def _stage_report(rows: Sequence[JobRow], n_segments: int, model: str | None) -> StageReport:
    worst = max(rows, key=lambda row: _WORST.index(row.state))
    error = None if worst.state is JobState.DONE else worst.error_text
    if error and worst.error_class:
        error = f"{worst.error_class}: {error}"
    return StageReport(
        state=worst.state,
        seconds=round(sum(row.seconds or 0.0 for row in rows), 3),
        error=error,
        n_segments=n_segments,
        model=model,
    )


def _stage_status(jobs: Mapping[JobState, int], rate_per_s: float) -> StageStatus:
    n_left = sum(n for state, n in jobs.items() if state not in TERMINAL_JOB_STATES)
    eta_s = n_left / rate_per_s if rate_per_s else None
    return StageStatus(jobs=dict(jobs), rate_per_s=round(rate_per_s, 3), eta_s=eta_s)


def _stage_order(stage: str) -> int:
    """Place in the registry; stages of another release come last."""
    order = list(STAGES)
    return order.index(stage) if stage in order else len(order)


def _failure(row: FailureRow) -> Failure:
    return Failure(
        category=row.category,
        message=row.message,
        stage=row.stage,
        attempt=row.attempt,
        locator=_LOCATOR.validate_python(row.locator) if row.locator else None,
    )
