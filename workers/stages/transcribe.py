"""Writes down what is said."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from schemas.asset import AudioPart
from schemas.segment import Segment, TimeSpan
from workers.artifacts import audio_of
from workers.device import Device
from workers.models.loading import load_model
from workers.models.roles import Transcriber, Transcript, Utterance
from workers.stage import Item, Output, Source, Stage
from workers.windows import Window, pack


class Transcribe(Stage):
    """Utterances with their times; doubtful ones are kept out of search and say why."""

    _transcriber: Transcriber

    def load(self, device: Device) -> None:
        assert self.context.model
        self._transcriber = load_model(self.context.model, device, Transcriber)

    def preprocess(self, source: Source) -> Iterator[Item]:
        part, samples = audio_of(source)
        heard_by = self._transcriber
        with samples:
            speech = [(0.0, part.duration_s)] if part.speech is None else part.speech
            for window in pack(
                speech,
                part.duration_s,
                heard_by.window_s,
                samples.quietest_s,
                max_gap_s=heard_by.max_gap_s,
            ):
                heard = samples.read_all(window.pieces)
                if heard.any():
                    features = heard_by.extract_features(heard)
                    yield Item(
                        source=source, payload=features, context=window, length=window.duration_s
                    )

    def forward(self, items: Sequence[Item]) -> list[Transcript]:
        return self._transcriber.transcribe([item.payload for item in items])

    def postprocess(self, item: Item, output: Transcript) -> Iterable[Output]:
        assert item.source.artifact
        assert item.source.artifact.audio
        assert self.context.model
        heard, window = item.source.artifact.audio, item.context
        part_s = heard.start_s
        for ordinal, utterance in enumerate(output.utterances):
            flags = list(utterance.certainty.doubts)
            if self.context.model.random_weights:
                flags.append("random_weights")
            start_s, end_s = _in_media(window, part_s, utterance.start_s, utterance.end_s)
            segment = Segment(
                ordinal=ordinal,
                role="speech",
                text=utterance.text,
                language=utterance.language,
                locator=TimeSpan(start_s=start_s, end_s=end_s),
                confidence=min(1.0, math.exp(utterance.certainty.avg_logprob)),
                searchable=not flags,
                extra=_extra(utterance, window, part_s)
                | _track(heard)
                | ({"flags": flags} if flags else {}),
            )
            yield Output(segment=segment)

    def unload(self) -> None:
        del self._transcriber


def _extra(utterance: Utterance, window: Window, part_s: float) -> dict[str, Any]:
    """What the record keeps of the model's certainty, and the words in media time."""
    certainty = utterance.certainty
    extra: dict[str, Any] = {
        "avg_logprob": round(certainty.avg_logprob, 4),
        "no_speech_prob": round(certainty.no_speech_prob, 4),
        "compression_ratio": round(certainty.compression_ratio, 3),
    }
    if certainty.temperature:
        extra["temperature"] = certainty.temperature
    if utterance.words:
        extra["words"] = [
            [word.text, *_in_media(window, part_s, word.start_s, word.end_s)]
            for word in utterance.words
        ]
    return extra


def _track(part: AudioPart) -> dict[str, Any]:
    """Of files with several tracks of sound: which one it is, and the language it claims."""
    if part.track is None:
        return {}
    return {"track": part.track} | ({"track_language": part.language} if part.language else {})


def _in_media(window: Window, part_s: float, start_s: float, end_s: float) -> tuple[float, float]:
    """Seconds of a window as seconds of the media, to the millisecond."""
    first_s, last_s = window.to_part(min(start_s, window.duration_s), min(end_s, window.duration_s))
    return round(part_s + first_s, 3), round(part_s + last_s, 3)
