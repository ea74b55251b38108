"""Segments: the parts of an asset that can be found, and where they are.

Pages are 1-based, frames and ordinals 0-based, times are float seconds from media start,
boxes are fractions of the displayed page or frame with the origin at its top left.
"""

from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID, uuid5

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.asset import AssetId

#: Names of Sluice's ids; never change it, or every stored point loses its row.
NAMESPACE = UUID("6f0a3b5e-6d1c-4c52-9d53-0f8c3a1d7e42")

#: Ordinals of part p start at p * PART_STRIDE, so parts of one asset never collide.
PART_STRIDE = 1_000_000

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]

#: Text as found in media, without NUL: PostgreSQL takes every character but that one.
Text = Annotated[str, AfterValidator(lambda text: text.replace("\0", ""))]


class Box(NamedTuple):
    """A rectangle as fractions of the displayed width and height."""

    x0: float
    y0: float
    x1: float
    y1: float


class Page(BaseModel):
    """One page of a document."""

    model_config = ConfigDict(frozen=True)

    type: Literal["page"] = "page"
    page: int = Field(ge=1)


class TimeSpan(BaseModel):
    """A stretch of audio or video; `start_s == end_s` is one instant."""

    model_config = ConfigDict(frozen=True)

    type: Literal["span"] = "span"
    start_s: float
    end_s: float


class Region(BaseModel):
    """A rectangle on an image, on a page, or on the frame at a time."""

    model_config = ConfigDict(frozen=True)

    type: Literal["region"] = "region"
    box: Box
    within: Annotated[Page | TimeSpan, Field(discriminator="type")] | None = None


Locator = Annotated[Page | TimeSpan | Region, Field(discriminator="type")]


class Place(NamedTuple):
    """A locator flattened to the columns that rows, payloads and JSON share."""

    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    box: Box | None = None


def place(locator: Locator | None) -> Place:
    """Flatten a locator; fields that do not apply are None."""
    match locator:
        case None:
            return Place()
        case Page(page=page):
            return Place(page=page)
        case TimeSpan(start_s=start_s, end_s=end_s):
            return Place(start_s=start_s, end_s=end_s)
        case Region(box=box, within=within):
            return place(within)._replace(box=box)


class Segment(BaseModel):
    """A part of an asset with text, an embedding, or both.

    The embedding itself lives in the vector store under the same id.
    """

    model_config = ConfigDict(frozen=True)

    #: 0-based position within (asset, stage, version, part), in reading or time order.
    ordinal: int = Field(ge=0)
    locator: Locator | None = None
    text: Text | None = None
    #: BCP 47 code, where a model or the container says it.
    language: str | None = None
    #: The model's own certainty, 0 to 1.
    confidence: Fraction | None = None
    #: False keeps the segment in the record but out of search (gated transcripts and captions).
    searchable: bool = True
    #: What the text is: line, paragraph, heading, table, caption, speech, subtitle, passage, ...
    role: str = "line"
    #: Small extras of one stage (word times, flags); JSON values only.
    extra: dict[str, Any] = Field(default_factory=dict)


def segment_id(
    tenant: str, asset_id: AssetId, stage: str, version: str, part: int, ordinal: int
) -> UUID:
    """Name a segment and its point; a rerun of the same work lands on the same id."""
    position = part * PART_STRIDE + ordinal
    return uuid5(NAMESPACE, f"{tenant}|{asset_id}|{stage}|{version}|{position}")
