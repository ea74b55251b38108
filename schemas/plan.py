"""plan(what prepare found) -> jobs: a pure function of facts and the registry."""

from collections.abc import Iterator, Mapping, Sequence

from schemas.asset import Artifact
from schemas.job import JobPlan
from schemas.stages import OBJECT, STAGES, StageSpec


def plan_prepare(size_bytes: int, versions: Mapping[str, str]) -> list[JobPlan]:
    """The first job of every object; nothing else can be planned before it has run."""
    cost_mb = max(1.0, size_bytes / 1e6)
    return [JobPlan(stage="prepare", version=versions["prepare"], source=OBJECT, cost=cost_mb)]


def plan(
    artifacts: Sequence[Artifact], text_parts: Sequence[int], versions: Mapping[str, str]
) -> list[JobPlan]:
    """All jobs that follow from what `prepare` wrote. The same input gives the same jobs.

    Args:
        artifacts: of the asset, by kind and part.
        text_parts: parts in which `prepare` found text.
        versions: version of each stage.
    """
    jobs: list[JobPlan] = []
    for spec in STAGES.values():
        if spec.reads == (OBJECT,):
            continue
        sources = [*_artifact_sources(spec, artifacts), *_text_sources(spec, text_parts, jobs)]
        jobs += [
            JobPlan(
                stage=spec.name,
                version=versions[spec.name],
                part=part,
                source=source,
                source_part=source_part,
                cost=cost,
                after=after,
            )
            for part, (source, source_part, cost, after) in enumerate(sources)
        ]
    return jobs


_Source = tuple[str, int, float, tuple[tuple[str, int], ...]]


def _artifact_sources(spec: StageSpec, artifacts: Sequence[Artifact]) -> Iterator[_Source]:
    for kind in spec.reads:
        for artifact in artifacts:
            if artifact.kind == kind:
                yield kind, artifact.part, _cost(artifact), ()


def _text_sources(
    spec: StageSpec, text_parts: Sequence[int], planned: Sequence[JobPlan]
) -> Iterator[_Source]:
    """Text of `prepare` is there already; text of other stages is waited for, job by job."""
    for stage in spec.reads:
        if stage == "prepare":
            yield from (("prepare", part, 1.0, ()) for part in text_parts)
        else:
            yield from (
                (stage, job.part, 1.0, ((stage, job.part),))
                for job in planned
                if job.stage == stage
            )


def _cost(artifact: Artifact) -> float:
    """In the unit of `StageSpec.cost_unit`: seconds of audio, number of images."""
    return artifact.audio.duration_s if artifact.audio else float(len(artifact.images) or 1)
