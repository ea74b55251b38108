"""Puts what was written, read, said and captioned into the text space."""

from collections.abc import Iterable, Iterator, Sequence

from schemas.segment import Segment
from workers.device import Device
from workers.models.bm25 import sparse_document
from workers.models.loading import load_model
from workers.models.roles import PassageEncoder
from workers.passages import cut_passages
from workers.stage import Embedding, Item, Output, Source, Stage


class EmbedText(Stage):
    """A dense and a sparse vector per passage of one source's text."""

    _encoder: PassageEncoder

    def load(self, device: Device) -> None:
        assert self.context.model
        self._encoder = load_model(self.context.model, device, PassageEncoder)

    def preprocess(self, source: Source) -> Iterator[Item]:
        for passage in cut_passages(source.segments, self._encoder.count_tokens):
            assert passage.text
            tokens = self._encoder.tokenize(passage.text)
            yield Item(source=source, payload=tokens, context=passage, length=len(tokens))

    def forward(self, items: Sequence[Item]) -> Sequence[Embedding]:
        return list(self._encoder.embed_tokens([item.payload for item in items]))

    def postprocess(self, item: Item, output: Embedding) -> Iterable[Output]:
        assert self.context.model
        passage: Segment = item.context
        assert passage.text
        terms = sparse_document(passage.text, self.context.model.parameters.get("language"))
        # Where the text came from: a hit tells `said` from `written` by it.
        extra = {**passage.extra, "source": item.source.job.source}
        segment = passage.model_copy(update={"extra": extra})
        yield Output(segment=segment, embedding=output, sparse=terms)

    def unload(self) -> None:
        del self._encoder
