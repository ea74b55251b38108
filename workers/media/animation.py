"""Animated images (GIF, WebP, APNG, AVIF) as the silent videos that they are."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from PIL import Image

from schemas.asset import MediaType
from schemas.errors import Failure, MediaTooLarge, UnreadableMedia
from schemas.segment import TimeSpan
from workers.media.image_colours import render
from workers.media.image_opening import check_pixels, decoding
from workers.media.image_tar import encode_jpeg
from workers.media.media_file import READING_EDGE_PX, MediaFile
from workers.media.moving_pictures import CANDIDATE_EVERY_S, DETECT_EDGE_PX, MovingPictures
from workers.media.page_images import shrunk
from workers.media.shots import Frame
from workers.stage import Prepared

#: Frames, and pixels of all frames together, that are looked at: a frame of a few bytes can
#: ask for as much work as a picture.
MOST_FRAMES, MOST_PX = 10_000, 2_500_000_000
#: Where the first frames claim no more than the first, all are shown for the second: browsers do.
_HASTY_S, _USUAL_S = 0.01, 0.1
#: What is left of a single frame that claims no length.
_SHORTEST_S = 0.001
#: Frames that tell the rate: of what is shown, and for the shots.
_N_FIRST = 8


@dataclass(frozen=True)
class _Shown:
    """One frame: small for the detectors, and at reading size where it may be a keyframe."""

    time_s: float
    duration_s: float
    small: Frame
    jpeg: bytes | None
    size_px: tuple[int, int]


def read_animation(media: MediaFile, image: Image.Image, measured: dict[str, Any]) -> Prepared:
    """Read an opened image of several frames; one that breaks midway keeps what came before.

    Args:
        media: the file.
        image: opened, at its first frame.
        measured: facts of it; see `workers.media.image_facts.measure`.

    Raises:
        UnreadableMedia: the first frame is broken.
        MediaTooLarge: a frame of more pixels, or a longer animation, than allowed.
    """
    frames = _Frames(media, image)
    shown = iter(frames)
    first = list(islice(shown, _N_FIRST))
    fps = len(first) / sum(frame.duration_s for frame in first)
    pictures = MovingPictures(media.scratch, fps, media.limits)
    try:
        for frame in chain(first, shown):
            pictures.see(frame.time_s, frame.small)
            if frame.jpeg:
                pictures.keep(frame.time_s, frame.jpeg, frame.size_px)
        artifacts = pictures.close(frames.end_s)
    finally:
        pictures.release()
    facts = measured | {
        "media_type": MediaType.VIDEO,
        "has_video": True,
        "n_frames": pictures.n_frames,
        "duration_s": frames.end_s,
        "fps": pictures.n_frames / frames.end_s,
        "extra": measured["extra"] | pictures.shot_facts,
    }
    return Prepared(facts=media.facts(**facts), artifacts=artifacts, failures=frames.failures)


class _Frames:
    """The frames of an animation, decoded one at a time; to be read once."""

    def __init__(self, media: MediaFile, image: Image.Image) -> None:
        self._media = media
        self._image = image
        self._kept_s = -CANDIDATE_EVERY_S
        self._is_hasty = _is_hasty(media, image)
        #: When the last frame that was read goes.
        self.end_s = 0.0
        self.failures: list[Failure] = []

    def __iter__(self) -> Iterator[_Shown]:
        # An APNG may begin with a picture for viewers that can't show the rest.
        first = int(bool(self._image.info.get("default_image")))
        n_all = self._image.n_frames  # type: ignore[attr-defined]
        n_read = min(n_all, first + MOST_FRAMES, first + MOST_PX // _n_px(self._image))
        for number in range(first, n_read):
            try:
                shown = self._read(number)
            except (UnreadableMedia, MediaTooLarge) as exc:
                if number == first:
                    raise
                self._stop(number, n_all, exc)
                return
            self.end_s = round(self.end_s + shown.duration_s, 6)
            yield shown
        if n_read < n_all:
            limit = MediaTooLarge(f"{self._media.name}: more is not looked at")
            self._stop(n_read, n_all, limit)

    def _read(self, number: int) -> _Shown:
        with decoding(self._media):
            self._image.seek(number)
            check_pixels(self._image, self._media)
            is_kept = self.end_s - self._kept_s >= CANDIDATE_EVERY_S
            picture = render(self._image, READING_EDGE_PX if is_kept else DETECT_EDGE_PX)
            # Known once a frame is decoded; milliseconds.
            claim_s = _claim_s(self._image)
        if is_kept:
            self._kept_s = self.end_s
        return _Shown(
            time_s=self.end_s,
            duration_s=_USUAL_S if self._is_hasty else max(claim_s, _SHORTEST_S),
            small=self._small(picture),
            jpeg=encode_jpeg(picture) if is_kept else None,
            size_px=picture.size,
        )

    def _small(self, picture: Image.Image) -> Frame:
        rgb: Frame = np.asarray(shrunk(picture, DETECT_EDGE_PX))
        return rgb[:, :, ::-1]

    def _stop(self, number: int, n_all: int, because: Exception) -> None:
        message = f"frame {number + 1} of {n_all} is the first that was not read: {because}"
        failure = Failure(
            category=type(because).__name__,
            message=message,
            stage="prepare",
            locator=TimeSpan(start_s=self.end_s, end_s=self.end_s),
        )
        self.failures.append(failure)


def _is_hasty(media: MediaFile, image: Image.Image) -> bool:
    """Whether a GIF leaves it to the viewer how fast it goes."""
    if image.format != "GIF":
        return False
    claims_s = [0.0]
    # A broken frame is found again, and told, when its turn comes.
    with suppress(UnreadableMedia, MediaTooLarge), decoding(media):
        for number in range(min(_N_FIRST, image.n_frames)):  # type: ignore[attr-defined]
            image.seek(number)
            claims_s.append(_claim_s(image))
    return max(claims_s) <= _HASTY_S


def _claim_s(image: Image.Image) -> float:
    return float(image.info.get("duration") or 0) / 1000


def _n_px(image: Image.Image) -> int:
    return image.width * image.height
