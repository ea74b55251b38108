"""The contract between the runner and a stage.

The runner calls `preprocess` on one thread (CPU), `forward` under the device lock, and
`postprocess` on the same thread as `preprocess`, so that one batch computes while the next
one is being read and the last one stored.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infra.sandbox import Sandbox
from infra.settings import MediaLimits
from schemas.asset import Artifact, ArtifactKind, AudioPart, ImageMember, MediaFacts, ObjectRef
from schemas.errors import Failure
from schemas.job import Job
from schemas.segment import Segment
from schemas.stages import ModelRef
from workers.device import Device

#: float32, shape (embedding_dim,), unit length.
Embedding = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """What a stage may know of its surroundings; built once per process."""

    #: None for stages without a model.
    model: ModelRef | None
    #: The model that judges what the stage's own says (`StageSpec.judged_by`).
    judge: ModelRef | None = None
    #: Runs untrusted decoding within the limits; only `prepare` uses them.
    sandbox: Sandbox | None = None
    limits: MediaLimits | None = None
    #: Tried on encrypted media; of `prepare` alone.
    passwords: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One job's input, fetched: local files and rows, no connections."""

    job: Job
    #: A scratch directory of this job alone, there if its input is a file; removed afterwards.
    scratch: Path
    #: The object's name for messages; its bytes are at `path` for `prepare`.
    ref: ObjectRef
    #: Assets around it; 0 for an object of a bucket.
    depth: int = 0
    facts: MediaFacts | None = None
    #: Unix seconds; when the asset was admitted.
    created_at_s: float = 0.0
    #: The artifact (or, for `prepare`, the downloaded object); None for stages that read text.
    path: Path | None = None
    artifact: Artifact | None = None
    #: Text of the source stage and part, in order.
    segments: Sequence[Segment] = ()


@dataclass(frozen=True, kw_only=True)
class Item:
    """One unit of a model batch."""

    source: Source
    #: What `forward` takes: a tensor, an image, a path; each stage's own.
    payload: Any
    #: What `postprocess` needs to say where the result is.
    context: Any = None
    #: Items of similar length are batched together (frames, tokens, pixels).
    length: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Output:
    """One result of an item: a segment, an embedding of it, or both.

    Segments come without final ordinals; the runner numbers them in order.
    """

    segment: Segment
    embedding: Embedding | None = None
    #: Sparse (indices uint32, values float32), for text spaces.
    sparse: tuple[Sequence[int], Sequence[float]] | None = None


@dataclass(frozen=True, kw_only=True)
class ArtifactFile:
    """A file in scratch that becomes an artifact."""

    kind: ArtifactKind
    part: int
    path: Path
    images: tuple[ImageMember, ...] = ()
    audio: AudioPart | None = None


@dataclass(frozen=True, kw_only=True)
class MemberFile:
    """A file in scratch that becomes an object inside the asset: an attachment, a packed file."""

    #: Name inside the asset, unique there.
    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What `prepare` made of one object."""

    facts: MediaFacts
    artifacts: Sequence[ArtifactFile] = ()
    #: Text that needed no model (text layers, office text, subtitles), by part.
    texts: Mapping[int, Sequence[Segment]] = field(default_factory=dict)
    #: Parts of the object that could not be read.
    failures: Sequence[Failure] = ()
    #: What is inside, to become assets of their own.
    members: Sequence[MemberFile] = ()


#: An exception object stands for an item that failed while its neighbours did not.
Result = Output | Prepared | Failure


class Stage(ABC):
    """A kind of work. Subclasses live in `workers/stages/`, one file each."""

    def __init__(self, context: StageContext) -> None:
        self.context = context

    @abstractmethod
    def load(self, device: Device) -> None:
        """Bring weights to the device; called once per process, before the first batch.

        Raises:
            ConfigurationError: the checkpoint is missing or refused.
        """

    @abstractmethod
    def preprocess(self, source: Source) -> Iterator[Item]:
        """Read one job's input, lazily.

        Raises:
            UnreadableMedia: the artifact is broken; only this job fails.
        """

    @abstractmethod
    def forward(self, items: Sequence[Item]) -> Sequence[Any]:
        """Run the model on one model batch: device only, no I/O, no logging.

        Returns:
            One output per item, in order.

        Raises:
            DeviceOutOfMemory: the runner halves the batch and calls again.
        """

    @abstractmethod
    def postprocess(self, item: Item, output: Any) -> Iterable[Result]:
        """Turn one output into what is stored, in reading or time order."""

    def unload(self) -> None:
        """Free the device; the stage may be loaded again."""
        return
