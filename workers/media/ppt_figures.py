"""Figures of a PPT: the pictures that its slides show."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from schemas.errors import UnreadableMedia
from workers.media.compound import Compound
from workers.media.figures import Candidate
from workers.media.media_file import MediaFile
from workers.media.pictures import load_picture
from workers.media.ppt_document import PptDocument, open_ppt
from workers.media.ppt_records import Kind, Properties, Record, records
from workers.media.ppt_shapes import shapes_of
from workers.media.ppt_slides import PICTURE

if TYPE_CHECKING:
    from PIL.Image import Image

_STREAM = "Pictures"
#: Kinds of pictures that are files as others have them; the rest is drawn by Windows.
_READ = {Kind.JPEG, Kind.JPEG_2, Kind.PNG, Kind.TIFF}
#: A picture begins with one digest, or two where its instance is odd, and a tag.
_DIGEST_BYTES, _TAG_BYTES = 16, 1


@contextmanager
def find_in_ppt(media: MediaFile) -> Iterator[list[Candidate]]:
    """Pictures of slides; those of masters are on every slide."""
    with closing(Compound(media.path, media.name)) as compound:
        document = open_ppt(compound)
        stored = memoryview(compound.read(_STREAM) if _STREAM in compound.names() else b"")
        offsets = document.picture_offsets()
        yield [
            Candidate(page=page, digest=str(offset), load=partial(_load, media, stored, offset))
            for page in range(1, len(document) + 1)
            for offset in _shown(document, page, offsets)
        ]


def _shown(document: PptDocument, page: int, offsets: Sequence[int]) -> list[int]:
    """Which of the pictures a slide shows; a broken slide is told where its text is read."""
    try:
        shapes = list(shapes_of(document.slide(page - 1).record))
    except (UnreadableMedia, struct.error):
        return []
    numbers = (Properties(shape.record).number(PICTURE) for shape in shapes if not shape.is_table)
    return [offsets[number - 1] for number in numbers if 0 < number <= len(offsets)]


def _load(media: MediaFile, stored: memoryview, offset: int) -> "Image | None":
    picture: Record | None = next(records(stored[offset:]), None)
    if picture is None or picture.kind not in _READ:
        return None
    n_digests = 1 + picture.instance % 2
    data = picture.body[n_digests * _DIGEST_BYTES + _TAG_BYTES :]
    return load_picture(media, f"picture at {offset}", bytes(data))
