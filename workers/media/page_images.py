"""Artifacts of paged media: every page small, some at reading size, and a thumbnail."""

from pathlib import Path
from typing import TYPE_CHECKING

from schemas.asset import ArtifactKind
from workers.media.image_tar import ImageTarWriter, encode_jpeg
from workers.media.media_file import PAGES_PER_PART, SMALL_EDGE_PX, THUMBNAIL_EDGE_PX
from workers.stage import ArtifactFile

if TYPE_CHECKING:
    from PIL.Image import Image

#: From so many pixels a block on, its edge may decide the size of a thumbnail.
_FINE_BLOCKS = 3


class PageImages:
    """Writes pages in order, one in memory at a time; 32 pages make a part."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._writers: dict[tuple[ArtifactKind, int], ImageTarWriter] = {}
        self._thumbnail: Path | None = None

    def add_page(self, image: "Image", page: int) -> None:
        """Add page number `page`, which is made small if it is not."""
        small = shrunk(image, SMALL_EDGE_PX)
        self._writer(ArtifactKind.PAGES, page).add(small, page=page, quality=85)
        if self._thumbnail is None:
            self._thumbnail = self._scratch / "thumbnail.jpg"
            self._thumbnail.write_bytes(thumbnail(small))

    def add_scan(self, image: "Image", page: int) -> None:
        """Add page number `page` as one that must be read by eye."""
        self._writer(ArtifactKind.SCANS, page).add(image, page=page)

    def close(self) -> list[ArtifactFile]:
        """Finish the files; those of one kind are in order of parts."""
        files = []
        for (kind, part), writer in self._writers.items():
            writer.close()
            files.append(ArtifactFile(kind=kind, part=part, path=writer.path, images=writer.images))
        if self._thumbnail:
            files.append(ArtifactFile(kind=ArtifactKind.THUMBNAIL, part=0, path=self._thumbnail))
        return files

    def _writer(self, kind: ArtifactKind, page: int) -> ImageTarWriter:
        part = part_of_page(page)
        if (kind, part) not in self._writers:
            path = self._scratch / f"{kind}-{part:04d}.tar"
            self._writers[kind, part] = ImageTarWriter(path)
        return self._writers[kind, part]


def thumbnail(image: "Image") -> bytes:
    """A small JPEG for result lists, of an image of mode RGB or L."""
    factor = -(-max(image.size) // THUMBNAIL_EDGE_PX)
    # Averaging whole blocks alone costs a third of fitting the edge exactly, which nobody sees
    # where blocks are small against the picture.
    fits = factor >= _FINE_BLOCKS
    small = image.reduce(factor) if fits else shrunk(image, THUMBNAIL_EDGE_PX)
    return encode_jpeg(small, 80)


def part_of_page(page: int) -> int:
    """0-based part that holds a 1-based page."""
    return (page - 1) // PAGES_PER_PART


def shrunk(image: "Image", edge_px: int) -> "Image":
    """The image with its long edge at most `edge_px`; never enlarged."""
    long_px = max(image.size)
    if long_px <= edge_px:
        return image
    width_px, height_px = (max(1, round(side * edge_px / long_px)) for side in image.size)
    from PIL.Image import Resampling

    # Averaging whole blocks first is five times as fast as one step, and as good at this size.
    return image.resize((width_px, height_px), Resampling.BILINEAR, reducing_gap=1.0)
