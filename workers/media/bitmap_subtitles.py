"""Subtitles that are pictures (PGS, DVD, DVB): drawn by ffmpeg, kept for OCR with their times."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infra.ffmpeg import Decoding, media_input, nut_options
from schemas.asset import ArtifactKind
from workers.media.image_tar import ImageTarWriter
from workers.media.media_file import PAGES_PER_PART, MediaFile
from workers.media.nut import packets
from workers.media.tracks import Streams, SubtitleTrack
from workers.stage import ArtifactFile

if TYPE_CHECKING:
    from PIL.Image import Image

#: The canvas is drawn at this size: high enough for letters of films in high definition.
_WIDTH_PX, _HEIGHT_PX = 1280, 720
#: Pictures of all tracks of a file; a film has some 1,500 in each language.
_N_PICTURES = 5_000
#: Without a clear end a subtitle stands for so long.
_LONGEST_S = 10.0
#: White around the text, which readers want.
_MARGIN_PX = 12
_TICKS = 1000

#: uint8, shape (height, width): ink on white; 255 is white.
_Ink = NDArray[np.uint8]


@dataclass
class _Shown:
    start_s: float
    ink: _Ink


def read_bitmap_subtitles(media: MediaFile, streams: Streams) -> list[ArtifactFile]:
    """One picture per subtitle, dark on white, in `scans` whose members have times and no page.

    What ffmpeg can't draw is left out, as players do; the pictures of the video count.
    """
    pictures = _Pictures(media.scratch)
    for track in streams.bitmap_subtitles:
        # Of one stream alone, ffmpeg would count times from its first packet.
        source = media_input(media.path, max_px=media.limits.image_px, copyts=None)
        with Decoding(_output(source, track)) as run:
            for start_s, end_s, ink in _subtitles(run.stdout, streams.start_s):
                if pictures.n == _N_PICTURES:
                    return pictures.close()
                pictures.add(start_s, end_s, ink)
            run.wait()
    return pictures.close()


def _output(source: Any, track: SubtitleTrack) -> Any:
    """The canvas whenever it changes, as brightness and opacity."""
    drawn = source[str(track.index)].filter("scale", _WIDTH_PX, _HEIGHT_PX)
    drawn = drawn.filter("format", "ya8").filter("settb", f"1/{_TICKS}")
    times = {"fps_mode": "passthrough", "enc_time_base": f"1/{_TICKS}"}
    return drawn.output("pipe:1", **nut_options(vcodec="rawvideo", **times))


def _subtitles(pipe: IO[bytes], origin_s: float) -> Iterator[tuple[float, float, _Ink]]:
    """Start, end and ink of each; one that is drawn again as it was goes on."""
    shown: _Shown | None = None
    for _, clock_s, packet in packets(pipe):
        time_s = max(0.0, clock_s - origin_s)
        if len(packet) != _WIDTH_PX * _HEIGHT_PX * 2:
            return
        ink = _ink(packet)
        if shown and ink is not None and np.array_equal(ink, shown.ink):
            continue
        if shown:
            yield shown.start_s, min(time_s, shown.start_s + _LONGEST_S), shown.ink
        shown = None if ink is None else _Shown(time_s, ink)
    if shown:
        yield shown.start_s, shown.start_s + _LONGEST_S, shown.ink


def _ink(packet: bytes) -> _Ink | None:
    """The part of the canvas that is drawn on; outlines, which are dark, vanish in white."""
    canvas = np.frombuffer(packet, np.uint8).reshape(_HEIGHT_PX, _WIDTH_PX, 2)
    light = canvas[:, :, 0].astype(np.uint16) * canvas[:, :, 1] // 255
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    if not len(rows):
        return None
    drawn = light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return (255 - drawn).astype(np.uint8)


class _Pictures:
    """Image tars of the subtitles; a retry of OCR costs one of them."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._tar: ImageTarWriter | None = None
        self._artifacts: list[ArtifactFile] = []
        self.n = 0

    def add(self, start_s: float, end_s: float, ink: _Ink) -> None:
        """Append one."""
        if self.n % PAGES_PER_PART == 0:
            self._finish()
            name = f"{ArtifactKind.SCANS}-{len(self._artifacts):04d}.tar"
            self._tar = ImageTarWriter(self._scratch / name)
        assert self._tar
        self._tar.add(_framed(ink), start_s=round(start_s, 3), end_s=round(end_s, 3))
        self.n += 1

    def close(self) -> list[ArtifactFile]:
        """Finish the last tar."""
        self._finish()
        return self._artifacts

    def _finish(self) -> None:
        tar, self._tar = self._tar, None
        if tar:
            tar.close()
            kind, part = ArtifactKind.SCANS, len(self._artifacts)
            self._artifacts.append(
                ArtifactFile(kind=kind, part=part, path=tar.path, images=tar.images)
            )


def _framed(ink: _Ink) -> "Image":
    from PIL import Image, ImageOps

    return ImageOps.expand(Image.fromarray(ink), border=_MARGIN_PX, fill=255)
