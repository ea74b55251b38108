"""Says what pictures and video shots show."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from schemas.segment import Segment
from workers.artifacts import images_of, spot_of
from workers.device import Device
from workers.models.grounding import MIN_GROUNDING, Judge, load_judge
from workers.models.loading import load_model
from workers.models.roles import Captioner, CaptionText, Pixels
from workers.stage import Item, Output, Source, Stage


class _Seen(NamedTuple):
    """An image as the captioner and, if there is one, the judge see it."""

    by_captioner: Pixels
    by_judge: Pixels | None


class _Judged(NamedTuple):
    """A caption and how well it fits; None if nobody can tell."""

    caption: CaptionText
    grounding: float | None


class Caption(Stage):
    """One caption per picture, and per shot of a video; doubtful ones are kept out of search."""

    _captioner: Captioner
    _judge: Judge | None

    def load(self, device: Device) -> None:
        assert self.context.model
        self._captioner = load_model(self.context.model, device, Captioner)
        self._judge = load_judge(self.context.judge, device)

    def preprocess(self, source: Source) -> Iterator[Item]:
        for image, jpeg in images_of(source):
            by_judge = self._judge.encoder.read_pixels(jpeg) if self._judge else None
            seen = _Seen(self._captioner.read_pixels(jpeg), by_judge)
            yield Item(source=source, payload=seen, context=image)

    def forward(self, items: Sequence[Item]) -> list[_Judged]:
        captions = self._captioner.caption([item.payload.by_captioner for item in items])
        scores: Sequence[float | None] = [None] * len(items)
        if self._judge:
            images = [item.payload.by_judge for item in items]
            scores = self._judge.score(images, [caption.text for caption in captions])
        return [_Judged(*pair) for pair in zip(captions, scores, strict=True)]

    def postprocess(self, item: Item, output: _Judged) -> Iterable[Output]:
        caption, grounding = output
        if not caption.text:
            return
        assert self.context.model
        flags = ["random_weights"] if self.context.model.random_weights else []
        extra: dict[str, Any] = {}
        if grounding is not None:
            extra["grounding"] = round(grounding, 4)
            flags += ["ungrounded"] if grounding < MIN_GROUNDING else []
        yield Output(
            segment=Segment(
                ordinal=0,
                role="caption",
                text=caption.text,
                language="en",
                locator=spot_of(item.context),
                confidence=caption.confidence,
                searchable=not flags,
                extra=extra | ({"flags": flags} if flags else {}),
            )
        )

    def unload(self) -> None:
        del self._captioner, self._judge
