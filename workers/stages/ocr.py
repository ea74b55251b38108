"""Reads the text in pictures, scanned pages and video frames."""

from collections.abc import Iterable, Iterator, Sequence

from schemas.asset import ArtifactKind
from schemas.segment import Region, Segment, TimeSpan
from workers.artifacts import images_of, place_of
from workers.device import Device
from workers.models.loading import load_model
from workers.models.roles import TextLine, TextReader
from workers.stage import Item, Output, Source, Stage


class Ocr(Stage):
    """Lines of text in reading order, each with its box and the reader's certainty."""

    _reader: TextReader

    def load(self, device: Device) -> None:
        assert self.context.model
        self._reader = load_model(self.context.model, device, TextReader)

    def preprocess(self, source: Source) -> Iterator[Item]:
        for image, jpeg in images_of(source):
            yield Item(source=source, payload=self._reader.decode(jpeg), context=image)

    def forward(self, items: Sequence[Item]) -> list[list[TextLine]]:
        return [self._reader.read_lines(item.payload) for item in items]

    def postprocess(self, item: Item, output: Sequence[TextLine]) -> Iterable[Output]:
        within = place_of(item.context)
        assert item.source.artifact
        if item.source.artifact.kind is ArtifactKind.SCANS and isinstance(within, TimeSpan):
            if output:
                yield _subtitle(output, within)
            return
        for ordinal, line in enumerate(output):
            segment = Segment(
                ordinal=ordinal,
                role="line",
                text=line.text,
                locator=Region(box=line.box, within=within),
                confidence=line.confidence,
            )
            yield Output(segment=segment)

    def unload(self) -> None:
        del self._reader


def _subtitle(lines: Sequence[TextLine], shown: TimeSpan) -> Output:
    """The text of a subtitle that is a picture: it has a time, and its place says nothing."""
    segment = Segment(
        ordinal=0,
        role="subtitle",
        text=" ".join(line.text for line in lines),
        locator=shown,
        confidence=min(line.confidence for line in lines),
    )
    return Output(segment=segment)
