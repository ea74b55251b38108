"""Puts pictures, pages and video frames into the visual space."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from schemas.asset import ArtifactKind, ImageMember
from schemas.segment import Segment
from workers.artifacts import images_of, spot_of
from workers.device import Device
from workers.models.loading import load_model
from workers.models.roles import ClipEncoder, ImageEncoder
from workers.stage import Embedding, Item, Output, Source, Stage

#: Shots in the facts are rounded to milliseconds, times of frames are not.
_ROUNDING_S = 1e-3


class EmbedVisual(Stage):
    """One embedding per picture, page and frame; frames stand for their stretch of a shot.

    An encoder of clips gets neighbouring frames of a shot together: one embedding for all.
    """

    _encoder: ImageEncoder

    def load(self, device: Device) -> None:
        assert self.context.model
        self._encoder = load_model(self.context.model, device, ImageEncoder)

    def preprocess(self, source: Source) -> Iterator[Item]:
        is_clip = isinstance(self._encoder, ClipEncoder)
        n_frames = self._encoder.n_frames if isinstance(self._encoder, ClipEncoder) else 1
        for clip in _clips(source, n_frames):
            frames = [self._encoder.read_pixels(jpeg) for _, jpeg in clip]
            yield Item(
                source=source,
                payload=_spread(frames, n_frames) if is_clip else frames[0],
                context=_joined([image for image, _ in clip]),
            )

    def forward(self, items: Sequence[Item]) -> Sequence[Embedding]:
        payloads = [item.payload for item in items]
        if isinstance(self._encoder, ClipEncoder):
            return list(self._encoder.embed_clips(payloads))
        return list(self._encoder.embed_images(payloads))

    def postprocess(self, item: Item, output: Embedding) -> Iterable[Output]:
        image: ImageMember = item.context
        extra = {} if image.frame_s is None else {"frame_s": image.frame_s}
        artifact = item.source.artifact
        is_figure = artifact is not None and artifact.kind is ArtifactKind.FIGURES
        role = "figure" if is_figure else _role(image)
        segment = Segment(ordinal=0, role=role, locator=spot_of(image), extra=extra)
        yield Output(segment=segment, embedding=output)

    def unload(self) -> None:
        del self._encoder


def _role(image: ImageMember) -> str:
    if image.page is not None:
        return "page"
    return "image" if image.start_s is None else "shot"


def _clips(source: Source, n_frames: int) -> Iterator[list[tuple[ImageMember, bytes]]]:
    """Up to so many neighbouring frames of one shot; anything else alone."""
    shots = source.facts.extra.get("shots", []) if source.facts else []
    starts = [shot["start_s"] for shot in shots]

    def shot_of(member: tuple[ImageMember, bytes]) -> Any:
        image = member[0]
        if image.start_s is None:
            return image.name
        number = bisect_right(starts, image.start_s + _ROUNDING_S) - 1
        is_known = number >= 0 and image.start_s < shots[number]["end_s"]
        return number if is_known else image.name

    for _, frames in groupby(images_of(source), key=shot_of):
        while clip := list(islice(frames, n_frames)):
            yield clip


def _spread(frames: Sequence[Any], n_frames: int) -> list[Any]:
    """Exactly so many frames in order, some of them again where there are fewer."""
    return [frames[i * len(frames) // n_frames] for i in range(n_frames)]


def _joined(images: Sequence[ImageMember]) -> ImageMember:
    """The middle image of a clip, standing for all of its time."""
    middle = images[len(images) // 2]
    return middle.model_copy(update={"start_s": images[0].start_s, "end_s": images[-1].end_s})
