"""Whisper: speech to text (Radford et al. 2022, https://arxiv.org/abs/2212.04356)."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from schemas.stages import ModelRef
from workers.device import Device
from workers.models.inference import inference
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.roles import (
    SAMPLING_RATE,
    Features,
    Samples,
    Transcriber,
    Transcript,
    Utterance,
)
from workers.models.time_tokens import TokenSpan, rest_s, split_at_times
from workers.models.whisper_decoding import TEMPERATURES, Pass, WhisperDecoder
from workers.models.word_times import WordAligner, words_of

#: Seconds between two columns of features.
_HOP_S = 0.01
#: Codes of Whisper that are not those of BCP 47.
_BCP_47 = {"jw": "jv"}


@dataclass(frozen=True)
class LogMel:
    """Sound as Whisper takes it."""

    #: Shape (n_mels, n_frames), padded to the model's own window.
    features: Features
    #: Of the sound, without the padding.
    duration_s: float

    def behind(self, start_s: float) -> "LogMel":
        """What follows a moment, filled with zeros as the library does."""
        first = round(start_s / _HOP_S)
        features = np.pad(self.features[:, first:], ((0, 0), (0, first)))
        return LogMel(features, self.duration_s - start_s)


class Whisper(Transcriber):
    """Checkpoints of every size, multilingual or English only, distilled ones among them.

    Where the model leaves an utterance for later, the rest of the window gets its own pass.
    """

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import (
            AutoTokenizer,
            WhisperFeatureExtractor,
            WhisperForConditionalGeneration,
        )

        super().__init__(ref, device)
        folder = checkpoint_folder(ref)
        self._model = load_weights(WhisperForConditionalGeneration, folder, device)
        self._extractor = WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        # What is not trained is unsure of everything, and would be asked six times.
        temperatures = () if ref.random_weights else TEMPERATURES
        self._decoder = WhisperDecoder(self._model, self._tokenizer, temperatures)
        self._aligner = WordAligner(self._model)
        self.window_s = float(self._extractor.chunk_length)

    def warm_up(self) -> None:
        with inference():
            self._decoder.look(self._encode([self.extract_features(np.zeros(1, np.float32))]))

    def extract_features(self, samples: Samples) -> LogMel:
        features: Features = self._extractor(
            samples, sampling_rate=SAMPLING_RATE, return_tensors="np"
        ).input_features[0]
        return LogMel(features, min(len(samples) / SAMPLING_RATE, self.window_s))

    def transcribe(self, windows: Sequence[LogMel]) -> list[Transcript]:
        with inference():
            return self._hear(windows, [None] * len(windows))

    def _hear(self, windows: Sequence[LogMel], languages: Sequence[str | None]) -> list[Transcript]:
        """Transcribe, in a known language where there is one."""
        encoded = self._encode(windows)
        looks = [
            replace(look, language=language or look.language)
            for look, language in zip(self._decoder.look(encoded), languages, strict=True)
        ]
        # Of the sound alone, so that a rerun draws the same in whatever batch.
        seeds = [zlib.crc32(window.features.tobytes()) for window in windows]
        passes = self._decoder.decode(encoded, looks, seeds)
        heard = self._utterances(encoded, windows, passes)
        self._go_on(windows, passes, heard)
        return [
            Transcript(tuple(utterances), look.no_speech_prob)
            for utterances, look in zip(heard, looks, strict=True)
        ]

    def _encode(self, windows: Sequence[LogMel]) -> Any:
        import torch

        stacked = torch.from_numpy(np.stack([window.features for window in windows]))
        features = stacked.to(self.device.name, self.device.dtype)
        return self._model.get_encoder()(features).last_hidden_state

    def _go_on(
        self,
        windows: Sequence[LogMel],
        passes: Sequence[Pass],
        heard: Sequence[list[Utterance]],
    ) -> None:
        """Hear the rests of windows that the model wants to hear again, and add what is said."""
        starts_s = [
            rest_s(one.ids, self._decoder.first_time_id, window.duration_s)
            for one, window in zip(passes, windows, strict=True)
        ]
        rests = {i: start_s for i, start_s in enumerate(starts_s) if start_s is not None}
        if not rests:
            return
        transcripts = self._hear(
            [windows[i].behind(start_s) for i, start_s in rests.items()],
            [passes[i].language for i in rests],
        )
        for (i, start_s), transcript in zip(rests.items(), transcripts, strict=True):
            heard[i].extend(utterance.later(start_s) for utterance in transcript.utterances)

    def _utterances(
        self, encoded: Any, windows: Sequence[LogMel], passes: Sequence[Pass]
    ) -> list[list[Utterance]]:
        """Cut each pass at its time tokens and time its words."""
        durations_s = [window.duration_s for window in windows]
        first_time_id = self._decoder.first_time_id
        spans = [
            split_at_times(one.ids, first_time_id, duration_s)
            for one, duration_s in zip(passes, durations_s, strict=True)
        ]
        times = self._aligner.token_times(
            self._model,
            encoded,
            [self._decoder.prompt(one.language) for one in passes],
            [one.ids for one in passes],
            durations_s,
        )
        return [self._timed(*row) for row in zip(passes, spans, times, strict=True)]

    def _timed(
        self, one: Pass, spans: Sequence[TokenSpan], times_s: Sequence[float]
    ) -> list[Utterance]:
        utterances = []
        for span in spans:
            own_s = times_s[span.first : span.stop + 1]
            if text := self._decoder.text(span.tokens):
                words = words_of(self._tokenizer, span.tokens, own_s, one.language)
                words = [span.holding(word) for word in words]
                utterances.append(
                    Utterance(
                        # As in the original: the first word knows better than the time token.
                        start_s=words[0].start_s if words else span.start_s,
                        end_s=span.end_s,
                        text=text,
                        language=_BCP_47.get(one.language, one.language),
                        certainty=one.certainty,
                        words=tuple(words),
                    )
                )
        return utterances
