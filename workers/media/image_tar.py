"""Image tars: many JPEGs in one artifact, written and read one at a time."""

import tarfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from schemas.asset import ImageMember
from schemas.errors import UnreadableMedia

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageTarWriter:
    """Appends JPEGs to a tar; holds one of them in memory at a time.

    Members are named by their page (`000001.jpg` is page 1), or by a 0-based running number.
    The same images make the same bytes: no times or owners are stored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._members: list[ImageMember] = []
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    @property
    def images(self) -> tuple[ImageMember, ...]:
        """What was added so far, in order."""
        return tuple(self._members)

    def add(
        self,
        image: "Image",
        *,
        page: int | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        frame_s: float | None = None,
        box: tuple[float, float, float, float] | None = None,
        quality: int = 90,
    ) -> None:
        """Encode and append an image of mode RGB or L; colour profiles and EXIF are left out."""
        jpeg = encode_jpeg(image, quality)
        width_px, height_px = image.size
        member = ImageMember(
            name=self._name_for(page),
            width_px=width_px,
            height_px=height_px,
            page=page,
            start_s=start_s,
            end_s=end_s,
            frame_s=frame_s,
            box=box,
        )
        self._append(jpeg, member)

    def add_jpeg(
        self,
        data: bytes,
        width_px: int,
        height_px: int,
        *,
        page: int | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        frame_s: float | None = None,
    ) -> None:
        """Append a JPEG that one of our own encoders made."""
        member = ImageMember(
            name=self._name_for(page),
            width_px=width_px,
            height_px=height_px,
            page=page,
            start_s=start_s,
            end_s=end_s,
            frame_s=frame_s,
        )
        self._append(data, member)

    def _append(self, data: bytes, member: ImageMember) -> None:
        header = tarfile.TarInfo(member.name)
        header.size = len(data)
        self._tar.addfile(header, BytesIO(data))
        # tarfile keeps every header it wrote; a long video would grow without bound.
        self._tar.members.clear()  # type: ignore[attr-defined]
        self._members.append(member)

    def _name_for(self, page: int | None) -> str:
        """Its page, with a running number if it is not the first of that page."""
        n_members = len(self._members)
        is_next = page is not None and n_members and self._members[-1].page == page
        name = f"{n_members if page is None else page:06d}"
        return f"{name}-{n_members}.jpg" if is_next else f"{name}.jpg"

    def close(self) -> None:
        """Finish the tar; safe to repeat."""
        self._tar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def encode_jpeg(image: "Image", quality: int = 90) -> bytes:
    """Encode an image of mode RGB or L without its metadata."""
    buffer = BytesIO()
    # Pillow would copy these three from the image it was made from.
    image.save(buffer, "JPEG", quality=quality, exif=b"", icc_profile=None, comment=b"")
    return buffer.getvalue()


def read_images(path: Path, images: Sequence[ImageMember]) -> Iterator[tuple[ImageMember, bytes]]:
    """Read members of an image tar in the order asked for, one JPEG in memory at a time.

    Raises:
        UnreadableMedia: the tar is broken, or lacks one of the members.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            for image in images:
                member = tar.extractfile(image.name)
                assert member is not None  # our writer adds regular members only
                yield image, member.read()
    except (tarfile.TarError, KeyError) as exc:
        raise UnreadableMedia(f"image tar: {exc}") from exc
