"""What an opened image says of itself before its pixels are decoded: size, camera, time, place."""

import mmap
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from workers.media.image_opening import BROKEN

#: Whose frames are shown one after the other; elsewhere they are layers, sizes or gain maps.
_ANIMATED = {"GIF", "PNG", "WEBP", "AVIF"}
#: Orientations that swap width and height.
_TURNED = {5, 6, 7, 8}
_MAX_TAG_CHARS = 200
#: Cameras say in XMP that a clip follows the picture.
_MOTION = (b"MotionPhoto", b"MicroVideo")
_DEGREES = 180


def measure(image: Image.Image) -> dict[str, Any]:
    """Facts of an opened image, before its pixels are decoded; fields of `MediaFacts`."""
    exif = read_exif(image)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    # Pillow turns TIFFs by itself and gives their size as displayed.
    is_turned = orientation in _TURNED and image.format != "TIFF"
    width_px, height_px = image.size[::-1] if is_turned else image.size
    details = _directory(exif, ExifTags.IFD.Exif)
    extra = {
        "format": image.format,
        "mode": image.mode,
        "orientation": orientation,
        "has_icc": bool(image.info.get("icc_profile")),
        "camera_make": exif.get(ExifTags.Base.Make),
        "camera_model": exif.get(ExifTags.Base.Model),
        "taken_at": details.get(ExifTags.Base.DateTimeOriginal),
        "taken_at_offset": details.get(ExifTags.Base.OffsetTimeOriginal),
    }
    plain = {name: _plain(value) for name, value in extra.items() if value is not None}
    return {
        "width_px": width_px,
        "height_px": height_px,
        "n_frames": getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1,
        "extra": plain | _place(exif) | _motion(image),
    }


def read_exif(image: Image.Image) -> Image.Exif:
    """EXIF of an image; empty where it is broken, which costs no pixel."""
    try:
        return image.getexif()
    except BROKEN:
        return Image.Exif()


def _directory(exif: Image.Exif, kind: ExifTags.IFD) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(kind)
    except BROKEN:
        return {}


def _plain(value: Any) -> str | int | bool:
    """A tag as a JSON value that every database takes."""
    if isinstance(value, int):
        return value
    return str(value).replace("\0", "").strip()[:_MAX_TAG_CHARS]


def _place(exif: Image.Exif) -> dict[str, Any]:
    """Where it was taken, as degrees north and east; nothing where a part is missing or odd."""
    tags = _directory(exif, ExifTags.IFD.GPSInfo)
    latitude = _degrees(tags, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S")
    longitude = _degrees(tags, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W")
    if latitude is None or longitude is None:
        return {}
    is_on_earth = abs(latitude) <= _DEGREES / 2 and abs(longitude) <= _DEGREES
    return {"latitude": latitude, "longitude": longitude} if is_on_earth else {}


def _degrees(tags: Mapping[int, Any], value: int, side: int, negative: str) -> float | None:
    with suppress(*BROKEN):
        degrees, minutes, seconds = (float(part) for part in tags[value])
        sign = -1 if str(tags.get(side, "")).strip("\0 ").upper() == negative else 1
        return round(sign * (degrees + minutes / 60 + seconds / 3600), 6)
    return None


def _motion(image: Image.Image) -> dict[str, Any]:
    """How long the clip behind a motion photo is; the picture alone is read."""
    note = image.info.get("xmp", b"")
    note = note.encode(errors="replace") if isinstance(note, str) else note
    if image.format not in {"JPEG", "MPO"} or not any(mark in note for mark in _MOTION):
        return {}
    path = Path(str(image.filename))  # type: ignore[attr-defined]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.rfind(b"ftyp") - 4
        is_behind = content.rfind(b"\xff\xd9", 0, max(0, start)) > 0
        return {"motion_video_bytes": len(content) - start} if start > 0 and is_behind else {}
