"""The registry: one line a stage. Queues, routes, plan, health list and docs follow from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.asset import ArtifactKind
from schemas.lock import LockedFile

#: What `prepare` reads: the object itself.
OBJECT = "object"

_VIEW, _SCANS, _PAGES = ArtifactKind.VIEW, ArtifactKind.SCANS, ArtifactKind.PAGES
_FIGURES = ArtifactKind.FIGURES
_KEYFRAMES, _FRAMES, _AUDIO = ArtifactKind.KEYFRAMES, ArtifactKind.FRAMES, ArtifactKind.AUDIO


@dataclass(frozen=True, kw_only=True)
class StageSpec:
    """What the rest of the system must know of a stage without importing it."""

    name: str
    #: `module:Class` of the `workers.stage.Stage`.
    entry: str
    #: Artifact kinds, or names of stages whose text it reads.
    reads: tuple[str, ...]
    #: Celery queue; stages on one queue share workers.
    queue: str
    #: Vector space it writes to.
    space: str | None = None
    #: Unit of `Job.cost`.
    cost_unit: str
    #: A batch on the broker is full at this cost.
    batch_cost: float
    #: Items of one forward call; halved when the device is out of memory.
    model_batch: int
    #: Longest a batch may run before the watchdog ends the process.
    deadline_s: float = 1800.0
    #: Raise it when the stage's code changes what it writes.
    code_version: int = 1
    #: Stage whose model judges what this stage's model says.
    judged_by: str | None = None

    @property
    def needs_model(self) -> bool:
        """Whether the stage runs a model that the profile must name."""
        return self.name != "prepare"


# fmt: off
STAGES: dict[str, StageSpec] = {spec.name: spec for spec in (
    StageSpec(name="prepare", entry="workers.stages.prepare:Prepare", reads=(OBJECT,), queue="prepare", cost_unit="MB", batch_cost=32.0, model_batch=8, code_version=7),
    StageSpec(name="ocr", entry="workers.stages.ocr:Ocr", reads=(_VIEW, _SCANS, _KEYFRAMES), queue="ocr", cost_unit="images", batch_cost=8.0, model_batch=4, code_version=4),
    StageSpec(name="caption", entry="workers.stages.caption:Caption", reads=(_VIEW, _KEYFRAMES, _FIGURES), queue="caption", cost_unit="images", batch_cost=32.0, model_batch=8, judged_by="embed_visual"),
    StageSpec(name="transcribe", entry="workers.stages.transcribe:Transcribe", reads=(_AUDIO,), queue="transcribe", cost_unit="s", batch_cost=600.0, model_batch=4, code_version=3),
    StageSpec(name="embed_visual", entry="workers.stages.embed_visual:EmbedVisual", reads=(_VIEW, _PAGES, _FRAMES, _FIGURES), queue="embed_visual", space="visual", cost_unit="images", batch_cost=64.0, model_batch=16),
    StageSpec(name="embed_audio", entry="workers.stages.embed_audio:EmbedAudio", reads=(_AUDIO,), queue="embed_audio", space="audio", cost_unit="s", batch_cost=600.0, model_batch=8),
    StageSpec(name="embed_text", entry="workers.stages.embed_text:EmbedText", reads=("prepare", "ocr", "caption", "transcribe"), queue="embed_text", space="text", cost_unit="jobs", batch_cost=32.0, model_batch=32, code_version=3),
)}
# fmt: on

#: Vector spaces and the stage that fills each.
SPACES: dict[str, StageSpec] = {spec.space: spec for spec in STAGES.values() if spec.space}


class Background(BaseModel):
    """How alike things are that have nothing to do with each other.

    Cosines of texts with images, or sounds, that they do not describe. What is measured is
    compared with it, because every model has a scale of its own.
    """

    model_config = ConfigDict(frozen=True)

    mean: float
    std: float = Field(gt=0)


class ModelRef(BaseModel):
    """The model a stage runs: enough to load it, and to know when its output is stale."""

    model_config = ConfigDict(frozen=True)

    #: Hub name, local folder, or the name of a package that carries the weights.
    source: str
    #: Pinned commit, package version or content hash.
    revision: str
    #: Model family, a file in `workers/models/`.
    family: str
    #: Family-specific settings that change the output.
    parameters: dict[str, Any] = Field(default_factory=dict)
    #: True while the checkpoint is untrained: every place that shows its output must say so.
    random_weights: bool = False
    #: Of models that put texts and media into one space, where it was measured.
    background: Background | None = None
    #: Of a model from a hub: its files as they were locked, by path; the commit stands for them.
    files: dict[str, LockedFile] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        """How the model is called wherever its output is shown."""
        return f"{self.source} (random weights)" if self.random_weights else self.source


def model_fingerprint(model: ModelRef) -> str:
    """12 hex digits that change whenever the model's output may change; names a collection."""
    text = json.dumps(
        model.model_dump(include={"source", "revision", "family", "parameters"}), sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def stage_version(spec: StageSpec, models: Mapping[str, ModelRef]) -> str:
    """12 hex digits that change whenever the stage must run again.

    A stage that reads another stage's text is stale when that stage is, and every stage is
    stale when `prepare` is: the version covers everything upstream.
    """
    own = model_fingerprint(models[spec.name]) if spec.needs_model else ""
    if spec.judged_by:
        own += model_fingerprint(models[spec.judged_by])
    upstream = (
        [] if spec.name == "prepare" else ["prepare", *(s for s in spec.reads if s in STAGES)]
    )
    parts = [spec.name, str(spec.code_version), own]
    parts += [stage_version(STAGES[name], models) for name in dict.fromkeys(upstream)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def plan_version(versions: Mapping[str, str]) -> str:
    """12 hex digits that change whenever any stage does: is an asset's plan still the newest?"""
    text = "|".join(f"{stage}={versions[stage]}" for stage in sorted(versions))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
