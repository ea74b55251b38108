"""Puts what is heard into the audio space."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from schemas.segment import Segment, TimeSpan
from workers.artifacts import audio_of
from workers.device import Device
from workers.models.loading import load_model
from workers.models.roles import AudioEncoder
from workers.stage import Embedding, Item, Output, Source, Stage

#: What CLAP was trained on.
WINDOW_S = 10.0
#: A window that is quieter throughout is silent: half the dither of 12-bit sound.
MIN_PEAK = 1e-4


class EmbedAudio(Stage):
    """One embedding per ten seconds that are not silent."""

    _encoder: AudioEncoder

    def load(self, device: Device) -> None:
        assert self.context.model
        self._encoder = load_model(self.context.model, device, AudioEncoder)

    def preprocess(self, source: Source) -> Iterator[Item]:
        part, samples = audio_of(source)
        with samples:
            for start_s in np.arange(0.0, part.duration_s, WINDOW_S).tolist():
                end_s = min(start_s + WINDOW_S, part.duration_s)
                heard = samples.read(start_s, end_s)
                if len(heard) == 0 or np.abs(heard).max() < MIN_PEAK:
                    continue
                span = TimeSpan(start_s=part.start_s + start_s, end_s=part.start_s + end_s)
                features = self._encoder.extract_features(heard)
                yield Item(source=source, payload=features, context=span)

    def forward(self, items: Sequence[Item]) -> Sequence[Embedding]:
        return list(self._encoder.embed_audio([item.payload for item in items]))

    def postprocess(self, item: Item, output: Embedding) -> Iterable[Output]:
        segment = Segment(ordinal=0, role="sound", locator=item.context)
        yield Output(segment=segment, embedding=output)

    def unload(self) -> None:
        del self._encoder
