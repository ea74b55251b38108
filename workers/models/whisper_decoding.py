"""From what Whisper's encoder heard to tokens, each window as if it were alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.models.certainty import is_worth_another_try, judge
from workers.models.roles import Certainty
from workers.models.sampling import TokenChoice

#: Tried in turn for windows whose text is not to be believed; as openai/whisper does.
TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class FirstLook:
    """What the first token says of a window."""

    no_speech_prob: float
    #: Whisper's own code.
    language: str


@dataclass(frozen=True)
class Pass:
    """One pass of decoding over one window."""

    #: Tokens behind the prompt: text and times.
    ids: list[int]
    language: str
    certainty: Certainty


class WhisperDecoder:
    """Decodes greedily with time tokens, and draws again what is not to be believed.

    The order of tries is that of section 4.5 of https://arxiv.org/abs/2212.04356. Where every
    draw fails too, the greedy text stays, with its doubts.
    """

    def __init__(self, model: Any, tokenizer: Any, temperatures: Sequence[float]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._temperatures = temperatures
        generation = model.generation_config
        self.first_time_id: int = generation.no_timestamps_token_id + 1
        # Every published vocabulary has <|nospeech|> right before <|notimestamps|>.
        self._no_speech_id: int = generation.no_timestamps_token_id - 1
        #: Codes of languages and their token ids; empty for English-only checkpoints.
        self._languages: dict[str, int] = {}
        if getattr(generation, "is_multilingual", True):
            known = getattr(generation, "lang_to_id", None) or {}
            self._languages = {token.strip("<|>"): token_id for token, token_id in known.items()}

    def look(self, encoded: Any) -> list[FirstLook]:
        """Tell of each window whether this is speech, and in which language.

        Args:
            encoded: output of the encoder, shape (n_windows, n_frames, d_model).
        """
        import torch

        start_id = self._model.generation_config.decoder_start_token_id
        start = torch.full((len(encoded), 1), start_id, device=encoded.device)
        logits = self._model(encoder_outputs=_outputs(encoded), decoder_input_ids=start).logits
        logits = logits[:, -1].float()
        no_speech = logits.softmax(-1)[:, self._no_speech_id].tolist()
        if not self._languages:
            return [FirstLook(probability, "en") for probability in no_speech]
        codes, ids = list(self._languages), list(self._languages.values())
        best = logits[:, ids].argmax(-1).tolist()
        return [FirstLook(p, codes[i]) for p, i in zip(no_speech, best, strict=True)]

    def decode(self, encoded: Any, looks: Sequence[FirstLook], seeds: Sequence[int]) -> list[Pass]:
        """The most probable text of each window, or the first drawn one that can be believed.

        Args:
            encoded: as `look` takes it.
            looks: of the same windows.
            seeds: of the same windows; a window draws alike in whatever company.
        """
        passes = self._generate(encoded, looks, TokenChoice(), 0.0)
        for temperature in self._temperatures:
            again = [i for i, one in enumerate(passes) if is_worth_another_try(one.certainty)]
            if not again:
                break
            choice = TokenChoice(temperature, [seeds[i] for i in again])
            drawn = self._generate(encoded[again], [looks[i] for i in again], choice, temperature)
            for i, one in zip(again, drawn, strict=True):
                if not is_worth_another_try(one.certainty):
                    passes[i] = one
        return passes

    def _generate(
        self, encoded: Any, looks: Sequence[FirstLook], choice: TokenChoice, temperature: float
    ) -> list[Pass]:
        options: dict[str, Any] = {}
        if self._languages:
            options = {"language": [look.language for look in looks], "task": "transcribe"}
        sequences = self._model.generate(
            encoder_outputs=_outputs(encoded),
            logits_processor=[choice],
            return_timestamps=True,
            # The library would go on with silence; the family knows where the sound ends.
            force_unique_generate_call=True,
            do_sample=False,
            num_beams=1,
            **options,
        )
        logprobs = choice.logprobs().tolist()
        n_steps = len(logprobs[0])
        return [
            self._judged(ids[-n_steps:], row, look, temperature)
            for ids, row, look in zip(sequences.tolist(), logprobs, looks, strict=True)
        ]

    def _judged(
        self, ids: list[int], logprobs: Sequence[float], look: FirstLook, temperature: float
    ) -> Pass:
        end_id = self._model.generation_config.eos_token_id
        n_tokens = ids.index(end_id) + 1 if end_id in ids else len(ids)
        decoded = list(zip(ids[:n_tokens], logprobs, strict=False))
        # A time that is spread over its neighbours is no doubt about what was said.
        counted = [logprob for token, logprob in decoded if token < self.first_time_id]
        # Text comes before the end token in every vocabulary, marks such as <|en|> behind it.
        ids = [token for token, _ in decoded if token < end_id or token >= self.first_time_id]
        certainty = judge(
            self.text(ids),
            sum(counted) / max(len(counted), 1),
            no_speech_prob=look.no_speech_prob,
            temperature=temperature,
        )
        return Pass(ids, look.language, certainty)

    def text(self, ids: Sequence[int]) -> str:
        """Text of tokens, without special and time tokens."""
        texts = [token for token in ids if token < self.first_time_id]
        text: str = self._tokenizer.decode(texts, skip_special_tokens=True)
        return text.strip()

    def prompt(self, language: str) -> list[int]:
        """What the decoder reads before a text with time tokens."""
        generation = self._model.generation_config
        start_id: int = generation.decoder_start_token_id
        if not self._languages:
            return [start_id]
        return [start_id, self._languages[language], generation.task_to_id["transcribe"]]


def _outputs(encoded: Any) -> Any:
    from transformers.modeling_outputs import BaseModelOutput

    return BaseModelOutput(last_hidden_state=encoded)
