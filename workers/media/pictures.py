"""Pictures that documents carry as files, decoded like images that come alone."""

from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.asset import MediaType
from schemas.errors import EncryptedMedia, UnsupportedMedia
from workers.media.formats import MEDIA_TYPES
from workers.media.image_colours import render
from workers.media.image_opening import open_image
from workers.media.media_file import READING_EDGE_PX, MediaFile
from workers.media.sniff import sniff

if TYPE_CHECKING:
    from PIL.Image import Image


def load_picture(media: MediaFile, name: str, data: bytes) -> "Image | None":
    """Decode one picture of a document; None if it is of a kind that is not read (EMF, SVG).

    Raises:
        MediaTooLarge: more pixels than allowed.
        UnreadableMedia: truncated or broken.
    """
    path = media.scratch / "picture"
    path.write_bytes(data)
    try:
        mime_type = sniff(path, "picture")
    except (UnsupportedMedia, EncryptedMedia):
        return None
    if MEDIA_TYPES[mime_type] is not MediaType.IMAGE:
        return None
    picture = replace(media, path=path, name=name, mime_type=mime_type, media_type=MediaType.IMAGE)
    with open_image(picture) as image:
        return render(image, READING_EDGE_PX)
