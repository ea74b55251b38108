"""Objects, assets and artifacts: what the bucket holds, what it means, what we made of it."""

from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, NewType
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

AssetId = NewType("AssetId", UUID)

#: Bucket name of files read in place from this machine; their keys are absolute paths.
FILE_BUCKET = "file"


class MediaType(StrEnum):
    """The four kinds of media; they decide the plan."""

    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"


class AssetState(StrEnum):
    """How far an asset is. Nothing is `ready` with a failed stage: it is `partial`."""

    PENDING = "pending"
    PROCESSING = "processing"
    PARTIAL = "partial"
    READY = "ready"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    DELETED = "deleted"


#: States in which nothing more happens without a user's word.
TERMINAL_ASSET_STATES = frozenset(
    {
        AssetState.READY,
        AssetState.PARTIAL,
        AssetState.FAILED,
        AssetState.QUARANTINED,
        AssetState.DELETED,
    }
)


class ObjectRef(BaseModel):
    """Where bytes are: an opaque (bucket, key), and optionally one version of it."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str | None = None

    @property
    def uri(self) -> str:
        """`file:///path` or `s3://bucket/key`; percent-encoded only for files."""
        if self.bucket == FILE_BUCKET:
            return "file:///" + quote(self.key)
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """Last part of the key, for people; never a path to open."""
        return PurePosixPath(self.key).name


class ObjectHead(BaseModel):
    """What the store says about an object now: the truth that a generation records."""

    model_config = ConfigDict(frozen=True)

    ref: ObjectRef
    size_bytes: int
    etag: str
    last_modified: datetime

    @property
    def generation(self) -> str:
        """Identity of these bytes: equal generations are the same upload."""
        if self.ref.version_id:
            return self.ref.version_id
        return f"{self.etag}+{self.size_bytes}+{self.last_modified.isoformat()}"


class MediaFacts(BaseModel):
    """What `prepare` measured; plans and filters read it. Unknown facts are None."""

    model_config = ConfigDict(frozen=True)

    media_type: MediaType
    #: Sniffed, e.g. `image/jpeg`; never taken from the file's name alone.
    mime_type: str
    sha256: str
    size_bytes: int
    #: Displayed size, after orientation and pixel aspect.
    width_px: int | None = None
    height_px: int | None = None
    n_pages: int | None = None
    n_frames: int | None = None
    #: Decoded length, not the header's claim.
    duration_s: float | None = None
    fps: float | None = None
    has_audio: bool = False
    has_video: bool = False
    #: Format-specific facts: EXIF, streams, container tags, document title; JSON values only.
    extra: dict[str, Any] = Field(default_factory=dict)


class ArtifactKind(StrEnum):
    """What `prepare` writes. Our own encoders made every byte."""

    #: The whole image, upright, sRGB, at reading size.
    VIEW = "view"
    #: Pages that must be read by eye, at reading size, or pictures of subtitles; at most 32.
    SCANS = "scans"
    #: Every page, small; at most 32.
    PAGES = "pages"
    #: Pictures that pages show, at reading size; of at most 32 pages.
    FIGURES = "figures"
    #: One frame per shot, at reading size.
    KEYFRAMES = "keyframes"
    #: A few frames per shot, small.
    FRAMES = "frames"
    #: 16 kHz mono FLAC, at most ten minutes.
    AUDIO = "audio"
    #: Small JPEG for result lists.
    THUMBNAIL = "thumbnail"


class ImageMember(BaseModel):
    """One JPEG in the tar that `view`, `scans`, `pages`, `figures` and the like are."""

    model_config = ConfigDict(frozen=True)

    #: Name inside the tar.
    name: str
    width_px: int
    height_px: int
    #: 1-based, for pages.
    page: int | None = None
    #: The shot that a frame stands for, and when the frame itself is shown.
    start_s: float | None = None
    end_s: float | None = None
    frame_s: float | None = None
    #: Of a figure, where on its page it is, if the format says: x0, y0, x1, y1 as fractions.
    box: tuple[float, float, float, float] | None = None


class AudioPart(BaseModel):
    """A stretch of one audio track; times inside it count from `start_s` of the media."""

    model_config = ConfigDict(frozen=True)

    start_s: float
    duration_s: float
    #: Speech regions in seconds from the start of the part; None when nobody looked.
    speech: list[tuple[float, float]] | None = None
    #: Of the track, as the container claims.
    language: str | None = None
    #: Stream of the container, where it has several tracks of sound; see `MediaFacts.extra`.
    track: int | None = None


class Artifact(BaseModel):
    """A normalised derivative of an asset, in the artifact store."""

    model_config = ConfigDict(frozen=True)

    kind: ArtifactKind
    #: 0-based; parts of long media.
    part: int
    #: Key in the artifact store.
    key: str
    size_bytes: int
    #: The members of an image tar, in page or time order.
    images: tuple[ImageMember, ...] = ()
    audio: AudioPart | None = None


class Asset(BaseModel):
    """Content, processed once however many objects hold it."""

    model_config = ConfigDict(frozen=True)

    asset_id: AssetId
    tenant: str
    #: None until `prepare` has read the bytes.
    sha256: str | None
    state: AssetState
    facts: MediaFacts | None
    #: Unix seconds.
    created_at_s: float
