"""Whisper on the narrator's sentences: time tokens, and silence that says so."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

from demo.sounds import SAMPLING_RATE, SOUND_KINDS, Samples, make_sound
from demo.speech import SpokenWord, random_voice, speak
from demo.train.loop import Batch, Recipe
from demo.world import VOCABULARY, pick, random_sentence

#: Whisper's own window is 30 s; a shorter one is less work, and holds any sentence of this world.
WINDOW_S = 8
MAX_TOKENS = 128
#: Seconds between two time tokens, and between two outputs of the encoder.
_TICK_S = 0.02
_N_WINDOWS = 16
#: For this share of the steps, windows are short and twice as many.
_SHORT_SHARE, _SHORT_S = 0.5, 3
_IGNORED = -100

#: In the order of the published vocabularies; <|notimestamps|> comes right before the times.
_SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)

#: A sentence: its words and when they are said, in seconds from the start of the window.
Line = tuple[SpokenWord, ...]


def whisper_tokenizer() -> Any:
    """Make a tokenizer of bytes in which each word is one token, with Whisper's special tokens."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=5000, min_frequency=1, initial_alphabet=alphabet, show_progress=False
    )
    trained.train_from_iterator([f" {word}" for word in VOCABULARY], trainer)
    state = json.loads(trained.to_str())["model"]
    tokenizer = WhisperTokenizer(vocab=state["vocab"], merges=[tuple(m) for m in state["merges"]])
    tokenizer.add_tokens(list(_SPECIAL), special_tokens=True)
    times = [f"<|{tick * _TICK_S:.2f}|>" for tick in range(round(WINDOW_S / _TICK_S) + 1)]
    tokenizer.add_tokens(times)
    return tokenizer


class WithWordProbe(nn.Module):
    """Whisper and, while it learns, a head that names the word said at each moment.

    The world knows when each word is said, so the encoder need not wait until the decoder has
    found where to listen. Without such times, a CTC loss over the words does the same, slower.
    """

    def __init__(self, whisper: Any) -> None:
        super().__init__()
        self.whisper = whisper
        self.probe = nn.Linear(whisper.config.d_model, 1 + len(VOCABULARY))

    def listen_for(self, n_ticks: int) -> None:
        """Take windows of another length; positions are a formula, so a part of them will do."""
        self.whisper.config.max_source_positions = n_ticks
        self.whisper.model.encoder.embed_positions.num_embeddings = n_ticks


class Whisper(Recipe):
    """Windows of up to four sentences, with noise and sounds, and windows without a word."""

    name = "whisper"
    n_steps = 1200
    peak_rate = 1.5e-3
    n_makers = 1

    def __init__(self) -> None:
        self.tokenizer = whisper_tokenizer()
        self.extractor = WhisperFeatureExtractor(chunk_length=WINDOW_S)  # type: ignore[no-untyped-call]
        self._ids: dict[str, int] = self.tokenizer.get_vocab()

    def build(self) -> nn.Module:
        """An encoder of 4 layers and a decoder of 2."""
        end, start = self._ids["<|endoftext|>"], self._ids["<|startoftranscript|>"]
        config = WhisperConfig(
            vocab_size=len(self.tokenizer),
            d_model=160,
            encoder_layers=4,
            decoder_layers=2,
            encoder_attention_heads=5,
            decoder_attention_heads=5,
            encoder_ffn_dim=512,
            decoder_ffn_dim=512,
            max_source_positions=round(WINDOW_S / _TICK_S),
            max_target_positions=MAX_TOKENS,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
            decoder_start_token_id=start,
            begin_suppress_tokens=None,
            suppress_tokens=None,
        )
        whisper = WhisperForConditionalGeneration(config)
        whisper.generation_config = self._generation()
        return WithWordProbe(whisper)

    def _generation(self) -> GenerationConfig:
        end = self._ids["<|endoftext|>"]
        return GenerationConfig(  # type: ignore[no-untyped-call]
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
            decoder_start_token_id=self._ids["<|startoftranscript|>"],
            is_multilingual=True,
            lang_to_id={"<|en|>": self._ids["<|en|>"]},
            task_to_id={t: self._ids[f"<|{t}|>"] for t in ("translate", "transcribe")},
            no_timestamps_token_id=self._ids["<|notimestamps|>"],
            prev_sot_token_id=self._ids["<|startofprev|>"],
            max_initial_timestamp_index=round(WINDOW_S / _TICK_S),
            max_length=MAX_TOKENS,
            return_timestamps=False,
        )

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        """Many short windows at first, then whole ones of as many sentences as fit."""
        is_short = progress < _SHORT_SHARE
        window_s, n_windows = (_SHORT_S, 2 * _N_WINDOWS) if is_short else (WINDOW_S, _N_WINDOWS)
        windows = [make_window(rng, window_s) for _ in range(n_windows)]
        features = self.extractor(
            [samples for samples, _ in windows],
            sampling_rate=SAMPLING_RATE,
            max_length=window_s * SAMPLING_RATE,
            return_tensors="pt",
        ).input_features
        labels = [torch.tensor(self._label(lines, rng)) for _, lines in windows]
        return {
            "input_features": features,
            "labels": pad_sequence(labels, batch_first=True, padding_value=_IGNORED),
            "said": torch.stack([_said(lines, window_s) for _, lines in windows]),
        }

    def _label(self, lines: list[Line], rng: np.random.Generator) -> list[int]:
        """The tokens after the start token."""
        ids, end = self._ids, self._ids["<|endoftext|>"]
        prompt = [ids["<|en|>"], ids["<|transcribe|>"]]
        if not lines and rng.random() < 0.5:  # noqa: PLR2004
            return [ids["<|nospeech|>"]]
        if not lines:
            return [_IGNORED, prompt[1], ids["<|0.00|>"], end]
        if rng.random() < 0.15:  # noqa: PLR2004
            return [
                *prompt,
                ids["<|notimestamps|>"],
                *(token for line in lines for token in self._text(line)),
                end,
            ]
        timed = [
            token
            for line in lines
            for token in (
                self._time(line[0].start_s),
                *self._text(line),
                self._time(line[-1].end_s),
            )
        ]
        return [*prompt, *timed, end]

    def _time(self, seconds: float) -> int:
        return self._ids["<|0.00|>"] + round(seconds / _TICK_S)

    def _text(self, line: Line) -> list[int]:
        text = "".join(f" {word.text}" for word in line)
        tokens: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return tokens

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross entropy of each next token, and of the word said at each moment."""
        model = cast("WithWordProbe", model)
        model.listen_for(batch["said"].shape[1])
        heard = model.whisper(input_features=batch["input_features"], labels=batch["labels"])
        named = model.probe(heard.encoder_last_hidden_state).float().transpose(1, 2)
        loss: Tensor = heard.loss + cross_entropy(named, batch["said"])
        return loss

    def save(self, model: nn.Module, folder: Path) -> None:
        """Half precision is enough; the probe stays behind."""
        model = cast("WithWordProbe", model)
        model.listen_for(round(WINDOW_S / _TICK_S))
        model.whisper.half().save_pretrained(folder)
        self.extractor.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def _said(lines: Sequence[Line], window_s: int) -> Tensor:
    """Which word is said at each tick: its place in the vocabulary + 1, or 0; int64."""
    said = torch.zeros(round(window_s / _TICK_S), dtype=torch.long)
    for word in (word for line in lines for word in line):
        first, last = round(word.start_s / _TICK_S), round(word.end_s / _TICK_S)
        said[first:last] = 1 + VOCABULARY.index(word.text)
    return said


def make_window(rng: np.random.Generator, window_s: int) -> tuple[Samples, list[Line]]:
    """Make one window: sentences of one speaker, perhaps a sound; one in twelve has no speech."""
    samples, lines = np.zeros(window_s * SAMPLING_RATE, np.float32), list[Line]()
    at_s, voice = rng.uniform(0.0, 0.5), random_voice(rng)
    n_lines = int(rng.integers(1, 5)) if rng.random() > 1 / 12 else 0
    for _ in range(n_lines):
        spoken = speak(random_sentence(rng), voice)
        if at_s + len(spoken.samples) / SAMPLING_RATE > window_s:
            continue  # the next sentence may be shorter
        _lay(samples, spoken.samples, at_s)
        lines.append(spoken.words_from(at_s))
        at_s = lines[-1][-1].end_s + rng.uniform(0.1, 0.9)
    longest_s = window_s - at_s
    if longest_s > 1.0 and rng.random() < (0.2 if lines else 0.9):
        _lay(samples, make_sound(pick(rng, SOUND_KINDS), rng, rng.uniform(0.8, longest_s)), at_s)
    return _recorded(samples, rng), lines


def _lay(track: Samples, sound: Samples, at_s: float) -> None:
    """Add a sound that fits to a track."""
    first = round(at_s * SAMPLING_RATE)
    track[first : first + len(sound)] += sound[: len(track) - first]


def _recorded(samples: Samples, rng: np.random.Generator) -> Samples:
    """As a microphone hears it: louder or softer, duller or sharper, with some noise."""
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLING_RATE)
    tilt = (np.maximum(hertz, 50) / 1000) ** rng.uniform(-0.35, 0.35)
    coloured: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(samples) * tilt, len(samples))
    noise = rng.standard_normal(len(samples)) * 10 ** rng.uniform(-4.0, -1.8)
    return ((coloured + noise) * rng.uniform(0.15, 1.0)).astype(np.float32)
