"""What a reader in the sandbox is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.settings import MediaLimits
from schemas.asset import MediaFacts, MediaType
from workers.stage import Prepared

#: Long edge of images at reading size (OCR, captions) and small (visual embedding), in pixels.
READING_EDGE_PX = 1600
SMALL_EDGE_PX = 448
THUMBNAIL_EDGE_PX = 320
#: Pages of one part of a document; a retry costs one part.
PAGES_PER_PART = 32
#: Longest audio part; video frames are cut into parts of the same length.
PART_S = 600.0


@dataclass(frozen=True, kw_only=True)
class MediaFile:
    """One object's bytes on local disk under a neutral name, sniffed and hashed."""

    #: The object's own name, for messages only; never opened.
    name: str
    path: Path
    mime_type: str
    media_type: MediaType
    sha256: str
    size_bytes: int
    #: Directory for what the reader writes.
    scratch: Path
    limits: MediaLimits
    #: Assets around it; 0 for an object of a bucket.
    depth: int = 0
    #: Tried in order where one is needed.
    passwords: Sequence[str] = field(default=(), repr=False)

    def facts(self, **measured: Any) -> MediaFacts:
        """Facts of this file with what the reader measured."""
        return MediaFacts(
            media_type=measured.pop("media_type", self.media_type),
            mime_type=self.mime_type,
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            **measured,
        )


#: Reads one kind of file. Raises the permanent errors of `schemas.errors`; a part that cannot
#: be read becomes a `Failure` in the result while the rest goes on.
Reader = Callable[[MediaFile], Prepared]
