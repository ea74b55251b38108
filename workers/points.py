"""Points of a stage's space: one for each embedding, under an id that a repetition gives again."""

import threading
from collections.abc import Sequence

import numpy as np

from infra.contents import Contents
from infra.database import Database
from infra.settings import Settings
from infra.vectors.store import Payload, Point, Scope, Space, Sparse, VectorStore
from schemas.job import Job
from schemas.segment import place, segment_id
from schemas.stages import STAGES, StageSpec, model_fingerprint
from workers.batch import JobRun
from workers.stage import Output, Source


class PointStore:
    """Writes the embeddings of jobs; nobody finds them before the jobs' rows say so."""

    def __init__(self, database: Database, vectors: VectorStore, settings: Settings) -> None:
        self._database = database
        self._vectors = vectors
        self._settings = settings
        self._spaces: dict[str, Space] = {}
        self._lock = threading.Lock()

    def replace(self, spec: StageSpec, runs: Sequence[JobRun]) -> None:
        """Replace the points of each job; visible and durable when it returns."""
        for run in runs:
            points = [
                _point(run.job, run.source, output)
                for output in run.outputs()
                if output.embedding is not None and run.source is not None
            ]
            space = self._space(spec, points)
            if space:
                scope = Scope(asset_id=run.job.asset_id, stage=spec.name, part=run.job.part)
                self._vectors.replace(space, run.job.tenant, scope, points)

    def delete_asset(self, job: Job) -> None:
        """Delete what the job's stage wrote of its asset."""
        if space := self._spaces.get(STAGES[job.stage].space or ""):
            self._vectors.delete_asset(space, job.tenant, job.asset_id)

    def _space(self, spec: StageSpec, points: Sequence[Point]) -> Space | None:
        """The stage's space, created with the first embedding; None while there is none."""
        name = spec.space or ""
        with self._lock:
            if name not in self._spaces and points:
                model = self._settings.model_refs[spec.name]
                space = Space(
                    name=name,
                    fingerprint=model_fingerprint(model),
                    embedding_dim=points[0].dense.shape[0],
                    has_sparse=points[0].sparse is not None,
                )
                self._vectors.ensure(space)
                with self._database.session_scope() as session:
                    Contents(session).put_space(space, model)
                self._spaces[name] = space
            return self._spaces.get(name)


def _point(job: Job, source: Source, output: Output) -> Point:
    facts, segment = source.facts, output.segment
    assert facts is not None  # jobs with a space run after `prepare`
    where = place(segment.locator)
    return Point(
        id=segment_id(job.tenant, job.asset_id, job.stage, job.version, job.part, segment.ordinal),
        dense=np.asarray(output.embedding, dtype=np.float32),
        sparse=Sparse(*output.sparse) if output.sparse else None,
        payload=Payload(
            asset_id=job.asset_id,
            stage=job.stage,
            version=job.version,
            part=job.part,
            ordinal=segment.ordinal,
            kind=facts.media_type,
            mime_type=facts.mime_type,
            bucket=source.ref.bucket,
            fence=job.fence,
            created_at=source.created_at_s,
            page=where.page,
            start_s=where.start_s,
            end_s=where.end_s,
            language=segment.language,
        ),
    )
