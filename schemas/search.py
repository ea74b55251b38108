"""Queries and answers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.asset import AssetId, MediaType
from schemas.segment import Box


class Filter(BaseModel):
    """What a hit must satisfy; every field given must match. Tenancy is not a filter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[MediaType, ...] = ()
    asset_id: AssetId | None = None
    #: Sniffed type, e.g. `application/pdf`.
    mime_type: str | None = None
    bucket: str | None = None
    language: str | None = None
    #: Stage that wrote the text or embedding, e.g. `ocr`.
    stage: str | None = None
    page: int | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class Query(BaseModel):
    """What to look for. At least one of text, image and audio."""

    model_config = ConfigDict(frozen=True)

    text: str | None = None
    #: Bytes of an image or audio file that the caller vouches for or the sandbox has decoded.
    image: bytes | None = None
    audio: bytes | None = None
    #: Weight of the image against the text when both are given, 0 to 1.
    weight_image: float = Field(default=0.5, ge=0.0, le=1.0)
    filter: Filter = Filter()
    limit: int = Field(default=10, ge=1, le=1000)


class SaidWord(BaseModel):
    """A word of the query that is said, and when; seconds from media start."""

    model_config = ConfigDict(frozen=True)

    word: str
    start_s: float
    end_s: float


class Evidence(BaseModel):
    """Why a hit is here: one segment that matched in one space."""

    model_config = ConfigDict(frozen=True)

    space: str
    #: Stage whose output matched: `ocr`, `caption`, `transcribe`, `prepare` (text layers), ...
    stage: str
    model: str
    #: Similarity in the space's own unit (cosine, BM25).
    score: float
    text: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    page: int | None = None
    box: Box | None = None
    #: Words of the query, where speech matched and its model tells words.
    said: tuple[SaidWord, ...] = ()


class Hit(BaseModel):
    """One moment, page, region or picture that answers."""

    model_config = ConfigDict(frozen=True)

    uri: str
    #: Names from the object at `uri` to the attachment or packed file that answers.
    inside: tuple[str, ...] = ()
    asset_id: AssetId
    media_type: MediaType
    #: Fused score; comparable within one answer only.
    score: float
    start_s: float | None = None
    end_s: float | None = None
    page: int | None = None
    box: Box | None = None
    text: str | None = None
    evidence: tuple[Evidence, ...] = ()


class Answer(BaseModel):
    """What a search returns."""

    model_config = ConfigDict(frozen=True)

    hits: tuple[Hit, ...]
    took_ms: float


class Candidate(BaseModel):
    """One scored point of one space, before fusion and hydration."""

    model_config = ConfigDict(frozen=True)

    segment_id: UUID
    space: str
    score: float
    #: 0-based position in its space's list.
    rank: int
