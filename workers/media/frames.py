"""Chooses the frames that stand for each shot and writes them, as the video goes by."""

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.asset import ArtifactKind, ImageMember
from workers.media.image_tar import ImageTarWriter
from workers.media.media_file import PART_S, SMALL_EDGE_PX, THUMBNAIL_EDGE_PX
from workers.stage import ArtifactFile

#: One small frame stands for at most this long, unless the picture stands still.
FRAME_EVERY_S = 5.0
#: Mean difference of grey levels (0 to 255) below which a picture stands still.
_STILL = 2.0
#: Mean grey level below which a picture is black.
_BLACK = 16.0
#: Keyframe candidates of one shot held in memory; of a longer shot, every second goes.
_N_KEPT = 8
#: Shots named in the facts; the keyframes name all.
_N_SHOTS = 5_000


@dataclass(frozen=True)
class Candidate:
    """One frame at reading size that may stand for its shot."""

    time_s: float
    jpeg: bytes
    width_px: int
    height_px: int
    #: uint8, shape (height, width): the same picture, small and grey.
    grey: NDArray[np.uint8]

    @cached_property
    def is_black(self) -> bool:
        """Whether next to nothing can be seen."""
        return float(self.grey.mean()) < _BLACK

    @cached_property
    def sharpness(self) -> float:
        """Mean step between neighbouring pixels; motion blur, dissolves and black are low."""
        levels = self.grey.astype(np.int16)
        down, across = np.abs(np.diff(levels, axis=0)), np.abs(np.diff(levels, axis=1))
        return float(down.mean() + across.mean()) if down.size and across.size else 0.0

    def differs(self, other: "Candidate") -> bool:
        """Whether the two pictures show different things."""
        change = np.abs(self.grey.astype(np.int16) - other.grey.astype(np.int16))
        return float(change.mean()) >= _STILL


def best(candidates: list[Candidate], start_s: float, end_s: float) -> Candidate:
    """The sharpest, favouring the middle: ends are where dissolves and fades are."""
    middle_s, half_s = (start_s + end_s) / 2, max((end_s - start_s) / 2, 1e-3)

    def merit(candidate: Candidate) -> float:
        return candidate.sharpness * (1 - 0.5 * abs(candidate.time_s - middle_s) / half_s)

    return max(candidates, key=merit)


class _PartedTar:
    """Image tars of one kind, a fresh one for every `PART_S` of the media."""

    def __init__(self, scratch: Path, kind: ArtifactKind) -> None:
        self._scratch, self._kind = scratch, kind
        self._tar: ImageTarWriter | None = None
        self._until_s = 0.0
        self.artifacts: list[ArtifactFile] = []

    def writer(self, start_s: float) -> ImageTarWriter:
        """The tar that holds what starts at this time; times must not go back."""
        if self._tar is None or start_s >= self._until_s:
            self.close()
            number = len(self.artifacts)
            self._tar = ImageTarWriter(self._scratch / f"{self._kind}-{number}.tar")
            self._until_s = (start_s // PART_S + 1) * PART_S
        return self._tar

    def close(self) -> None:
        """Finish the open tar; safe to repeat."""
        if self._tar:
            self._tar.close()
            number, path, images = len(self.artifacts), self._tar.path, self._tar.images
            self.artifacts.append(
                ArtifactFile(kind=self._kind, part=number, path=path, images=images)
            )
            self._tar = None


@dataclass
class _Stretch:
    """A frame that waits to be written until it is known how long its picture stands."""

    start_s: float
    end_s: float
    frame: Candidate


class FrameWriter:
    """Writes keyframes (one per shot), small frames (one per 5 s that differ) and a thumbnail.

    Memory does not grow with the length of a shot or of the video, but for the members' names
    and times. Call `add`, `cut` and `settle` in time order, then `close` once.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._keyframes = _PartedTar(scratch, ArtifactKind.KEYFRAMES)
        self._frames = _PartedTar(scratch, ArtifactKind.FRAMES)
        self._shot_start_s = 0.0
        self._stretch_start_s = 0.0
        self._waiting: list[Candidate] = []
        self._kept: list[Candidate] = []
        self._keep_every, self._n_stretches = 1, 0
        self._open_stretch: _Stretch | None = None
        self._thumbnail: Candidate | None = None
        self.n_shots = 0
        self.shots: list[dict[str, float]] = []

    def start(self, time_s: float) -> None:
        """Say when the first picture is shown."""
        self._shot_start_s = self._stretch_start_s = time_s

    def add(self, candidate: Candidate) -> None:
        """Add a candidate; a cut may still be reported before it."""
        self._waiting.append(candidate)

    def settle(self, time_s: float) -> None:
        """Say that no cut before this time will come any more."""
        while time_s >= self._stretch_start_s + FRAME_EVERY_S:
            self._end_stretch(self._stretch_start_s + FRAME_EVERY_S)

    def cut(self, time_s: float, stand_in: Candidate) -> None:
        """End the shot; `stand_in` serves where the shot was too short for a candidate."""
        self._end_stretch(time_s)
        self._end_shot(time_s, stand_in)

    def close(self, end_s: float, stand_in: Candidate) -> list[ArtifactFile]:
        """End the last shot and all files; every artifact."""
        self.cut(end_s, stand_in)
        self.release()
        artifacts = [*self._keyframes.artifacts, *self._frames.artifacts]
        return [*artifacts, *self._write_thumbnail()]

    def release(self) -> None:
        """Close all files, whatever became of the video; safe to repeat."""
        self._keyframes.close()
        self._frames.close()

    def _end_stretch(self, end_s: float) -> None:
        mine = [c for c in self._waiting if c.time_s < end_s]
        self._waiting = [c for c in self._waiting if c.time_s >= end_s]
        start_s, self._stretch_start_s = self._stretch_start_s, end_s
        if mine:
            self._add_stretch(start_s, end_s, best(mine, start_s, end_s))
        elif self._open_stretch:
            self._open_stretch.end_s = end_s

    def _add_stretch(self, start_s: float, end_s: float, frame: Candidate) -> None:
        before = self._open_stretch
        if before and not frame.differs(before.frame):
            before.end_s = end_s
        else:
            self._write_frame()
            self._open_stretch = _Stretch(start_s, end_s, frame)
        if self._n_stretches % self._keep_every == 0:
            self._kept.append(frame)
        self._n_stretches += 1
        if len(self._kept) > _N_KEPT:
            self._kept = self._kept[::2]
            self._keep_every *= 2

    def _end_shot(self, end_s: float, stand_in: Candidate) -> None:
        start_s = self._shot_start_s
        if not self._kept:
            self._add_stretch(start_s, end_s, stand_in)
        self._write_frame()
        chosen = best(self._kept, start_s, end_s)
        self._keyframes.writer(start_s).add_jpeg(
            chosen.jpeg,
            chosen.width_px,
            chosen.height_px,
            start_s=start_s,
            end_s=end_s,
            frame_s=chosen.time_s,
        )
        if self._thumbnail is None or (self._thumbnail.is_black and not chosen.is_black):
            self._thumbnail = chosen
        if self.n_shots < _N_SHOTS:
            self.shots.append({"start_s": round(start_s, 3), "end_s": round(end_s, 3)})
        self.n_shots += 1
        self._shot_start_s, self._kept, self._keep_every, self._n_stretches = end_s, [], 1, 0

    def _write_frame(self) -> None:
        stretch, self._open_stretch = self._open_stretch, None
        if stretch is None:
            return
        jpeg, width_px, height_px = smaller(stretch.frame, SMALL_EDGE_PX)
        self._frames.writer(stretch.start_s).add_jpeg(
            jpeg,
            width_px,
            height_px,
            start_s=stretch.start_s,
            end_s=stretch.end_s,
            frame_s=stretch.frame.time_s,
        )

    def _write_thumbnail(self) -> list[ArtifactFile]:
        if self._thumbnail is None:
            return []
        jpeg, width_px, height_px = smaller(self._thumbnail, THUMBNAIL_EDGE_PX)
        path = self._scratch / "thumbnail.jpg"
        path.write_bytes(jpeg)
        frame = ImageMember(
            name=path.name, width_px=width_px, height_px=height_px, frame_s=self._thumbnail.time_s
        )
        return [ArtifactFile(kind=ArtifactKind.THUMBNAIL, part=0, path=path, images=(frame,))]


def smaller(frame: Candidate, edge_px: int) -> tuple[bytes, int, int]:
    """A JPEG whose long edge is at most `edge_px`, its width and height."""
    from PIL import Image

    from workers.media.image_tar import encode_jpeg

    if max(frame.width_px, frame.height_px) <= edge_px:
        return frame.jpeg, frame.width_px, frame.height_px
    with Image.open(BytesIO(frame.jpeg), formats=["JPEG"]) as image:
        image.draft("RGB", (edge_px, edge_px))
        image.thumbnail((edge_px, edge_px))
        return encode_jpeg(image, 88), image.width, image.height
