"""Moonshine: speech to text of any length (Jeffries et al. 2024, https://arxiv.org/abs/2410.15608)."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from schemas.stages import ModelRef
from workers.device import Device
from workers.models.certainty import judge
from workers.models.inference import inference
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.roles import SAMPLING_RATE, Samples, Transcriber, Transcript, Utterance
from workers.models.sampling import TokenChoice
from workers.models.tokens import Tokenizer

#: Nobody says more; a decoder that goes on is in a loop. From the model cards: 6.5 for English,
#: 13 for the other languages, whose letters take more tokens.
_TOKENS_PER_S = {"en": 6.5}
_MOST_TOKENS_PER_S = 13.0
#: The start and the end token.
_N_MARKS = 2
#: Shorter sound is less than one output of the encoder.
_SHORTEST_S = 0.1


class Moonshine(Transcriber):
    """Moonshine checkpoints; each knows one language, which the profile names.

    The model does not say when anything is said: an utterance is a stretch between two pauses.
    """

    window_s = 10.0
    max_gap_s = 0.0

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoFeatureExtractor, MoonshineForConditionalGeneration

        super().__init__(ref, device)
        folder = checkpoint_folder(ref)
        self._model = load_weights(MoonshineForConditionalGeneration, folder, device)
        extractor: Any = AutoFeatureExtractor
        self._extractor = extractor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        self._max_tokens: int = self._model.config.max_position_embeddings
        self._tokenizer = Tokenizer(folder, self._max_tokens)
        self._language: str | None = ref.parameters.get("language")

    def warm_up(self) -> None:
        self.transcribe([self.extract_features(np.zeros(SAMPLING_RATE, np.float32))])

    def extract_features(self, samples: Samples) -> Samples:
        n_missing = round(_SHORTEST_S * SAMPLING_RATE) - len(samples)
        padded = np.pad(samples, (0, max(0, n_missing)))
        features: Samples = self._extractor(
            padded, sampling_rate=SAMPLING_RATE, return_tensors="np"
        ).input_values[0]
        return features

    def transcribe(self, windows: Sequence[Samples]) -> list[Transcript]:
        choice = TokenChoice()
        limits = [self._token_limit(len(window) / SAMPLING_RATE) for window in windows]
        with inference():
            sequences = self._model.generate(
                encoder_outputs=self._encode(windows),
                logits_processor=[choice],
                max_length=max(limits),
                do_sample=False,
                num_beams=1,
            )
        rows = zip(windows, sequences.tolist(), choice.logprobs().tolist(), limits, strict=True)
        return [self._read(*row) for row in rows]

    def _token_limit(self, duration_s: float) -> int:
        """Longest sequence for so many seconds, the marks included."""
        rate = _TOKENS_PER_S.get(self._language or "", _MOST_TOKENS_PER_S)
        return min(math.ceil(duration_s * rate) + _N_MARKS, self._max_tokens)

    def _encode(self, windows: Sequence[Samples]) -> Any:
        """Encode windows of equal length together, and join all for the decoder.

        The encoder normalises over the whole window, so padding would change what is heard.
        """
        import torch
        from torch.nn.utils.rnn import pad_sequence
        from transformers.models.moonshine.modeling_moonshine import MoonshineEncoderModelOutput

        encoder, states = self._model.get_encoder(), [torch.empty(0)] * len(windows)
        by_length = sorted(range(len(windows)), key=lambda i: len(windows[i]))
        for _, alike in groupby(by_length, key=lambda i: len(windows[i])):
            order = list(alike)
            stacked = torch.from_numpy(np.stack([windows[i] for i in order]))
            inputs = stacked.to(self.device.name, self.device.dtype)
            for i, state in zip(order, encoder(inputs).last_hidden_state, strict=True):
                states[i] = state
        lengths = torch.tensor([len(state) for state in states], device=self.device.name)
        padded = pad_sequence(states, batch_first=True)
        mask = torch.arange(padded.shape[1], device=self.device.name) < lengths[:, None]
        return MoonshineEncoderModelOutput(last_hidden_state=padded, attention_mask=mask.int())

    def _read(
        self, window: Samples, ids: list[int], logprobs: Sequence[float], limit: int
    ) -> Transcript:
        """Read one sequence, cut where it would have ended alone."""
        end_id, first = self._model.config.eos_token_id, len(ids) - len(logprobs)
        told = ids[first:limit]
        told = told[: told.index(end_id)] if end_id in told else told
        text = self._tokenizer.decode(told)
        counted = logprobs[: min(len(told) + 1, limit - first)]
        if not text:
            return Transcript(())
        utterance = Utterance(
            start_s=0.0,
            end_s=len(window) / SAMPLING_RATE,
            text=text,
            language=self._language,
            certainty=judge(text, sum(counted) / len(counted)),
        )
        return Transcript((utterance,))
