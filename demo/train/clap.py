"""CLAP on the world's sounds and what they are called."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

from demo.sounds import SAMPLING_RATE, SOUND_KINDS, Samples, make_sound
from demo.speech import random_voice, speak
from demo.train.loop import Batch, Recipe
from demo.train.words import END, N_WORDS, PAD, SPECIAL, START, UNKNOWN, word_tokenizer
from demo.world import pick, random_scene, random_sentence

#: Length of a window, as the pipeline cuts them.
WINDOW_S = 10
_N_WINDOWS = 64
_N_FOREIGN = 8
_HIDDEN_SIZE = 192
_MAX_TOKENS = 16
#: What somebody says belongs to the transcript: it is heard among sounds and has no name here.
SPEECH = ""
#: A window without anything else is silent; within one, silence is only a pause.
NAMED_KINDS = tuple(kind for kind in SOUND_KINDS if kind != "silence")
#: What may be heard first, second and third: a kind, somebody speaking, or nothing more.
_N_PLACES, _HEARD = 3, (*SOUND_KINDS, SPEECH, None)


class WithOrderProbe(nn.Module):
    """A model that must also say which sound comes first, second and third.

    Without it neither tower learns order: as long as one of them ignores it, nothing is to be
    gained by the other. The probe is not saved.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.probe = nn.Linear(_HIDDEN_SIZE, _N_PLACES * len(_HEARD))

    def order_loss(self, pooled: Tensor, order: Tensor) -> Tensor:
        """Cross entropy of what is heard at each place.

        Args:
            pooled: of the audio tower, shape (n_windows, 192).
            order: indices into `_HEARD`, shape (n_windows, 3).
        """
        scores = self.probe(pooled).float().unflatten(1, (_N_PLACES, len(_HEARD)))
        return cross_entropy(scores.flatten(0, 1), order.flatten())


class Clap(Recipe):
    """Windows of up to three sounds, and names of one or more of them in order."""

    name = "clap"
    n_steps = 1000
    peak_rate = 1e-3

    def __init__(self) -> None:
        self.tokenizer = word_tokenizer()
        self.extractor = ClapFeatureExtractor(
            feature_size=32,
            sampling_rate=SAMPLING_RATE,
            hop_length=320,
            frequency_min=50,
            frequency_max=SAMPLING_RATE // 2,
            truncation="rand_trunc",
            padding="pad",
        )

    def build(self) -> nn.Module:
        """A Swin tower over a spectrogram of 32 bands, and two layers for text."""
        audio = {
            "num_mel_bins": 32,
            "spec_size": 128,
            "patch_embeds_hidden_size": 48,
            "hidden_size": _HIDDEN_SIZE,
            # Order is told where one attention window holds all ten seconds: in the last layers.
            "depths": [2, 2, 6],
            "num_hidden_layers": 3,
            "num_attention_heads": [2, 4, 8],
            "hidden_dropout_prob": 0.0,
            "projection_dim": 128,
        }
        text = {
            "vocab_size": N_WORDS,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            # RoBERTa counts positions from its padding id + 1.
            "max_position_embeddings": _MAX_TOKENS + PAD + 1,
            "projection_dim": 128,
            "bos_token_id": START,
            "pad_token_id": PAD,
            "eos_token_id": END,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        }
        config = ClapConfig(text_config=text, audio_config=audio, projection_dim=128)
        return WithOrderProbe(ClapModel(config))

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        """Windows, one name each and one like it, names of no sound, and what is true of what."""
        del progress
        windows = [make_window(rng) for _ in range(_N_WINDOWS)]
        names = [_some_of(heard, rng) for _, heard in windows]
        names += [confusable(name) for name in names]
        is_true = [[holds(name, heard) for name in names] for _, heard in windows]
        features = self._features(np.stack([samples for samples, _ in windows]))
        texts = [" then ".join(n) for n in names] + [_foreign(rng) for _ in range(_N_FOREIGN)]
        tokens = self.tokenizer(
            texts, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt"
        )
        return {
            "input_features": features,
            **tokens,
            "is_true": pad(torch.tensor(is_true).float(), (0, _N_FOREIGN)),
            "order": torch.tensor([_order(heard) for _, heard in windows]),
        }

    def _features(self, samples: Samples) -> Tensor:
        """What the extractor computes, for all windows at once."""
        n_fft = self.extractor.fft_window_size
        spectra = torch.stft(
            torch.from_numpy(samples),
            n_fft,
            self.extractor.hop_length,
            window=torch.hann_window(n_fft),
            return_complex=True,
        )
        filters = torch.from_numpy(self.extractor.mel_filters_slaney).float()
        mel = (spectra.abs() ** 2).transpose(1, 2) @ filters  # (n, frames, bands)
        return 10 * mel.clamp(min=1e-10).log10()[:, None]

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Each window must choose the names that are true of it, and each name its windows."""
        model = cast("WithOrderProbe", model)
        inputs = {k: v for k, v in batch.items() if k not in ("is_true", "order")}
        answer = model.model(**inputs)
        logits, is_true = answer.logits_per_audio.float(), batch["is_true"]
        choice = (_choice_loss(logits, is_true) + _choice_loss(logits.T, is_true.T)) / 2
        return choice + model.order_loss(answer.audio_model_output.pooler_output, batch["order"])

    def save(self, model: nn.Module, folder: Path) -> None:
        """Half precision is enough; the probe stays behind."""
        cast("WithOrderProbe", model).model.half().save_pretrained(folder)
        self.extractor.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def _order(heard: Sequence[str]) -> list[int]:
    """Indices into `_HEARD`, one for each place."""
    return [_HEARD.index(kind) for kind in (*heard, *[None] * _N_PLACES)[:_N_PLACES]]


def _choice_loss(logits: Tensor, is_true: Tensor) -> Tensor:
    """Cross entropy towards all true answers alike; rows without one do not count."""
    n_true = is_true.sum(1, keepdim=True)
    chosen = (logits.log_softmax(1) * is_true / n_true.clamp(min=1)).sum(1)
    return -chosen.sum() / (n_true > 0).sum()


def holds(name: Sequence[str], heard: Sequence[str]) -> bool:
    """Whether these sounds are heard one after the other; nothing holds of nothing."""
    n = len(name)
    spans = (tuple(heard[i : i + n]) for i in range(len(heard) - n + 1))
    return n > 0 and tuple(name) in spans


def _some_of(heard: Sequence[str], rng: np.random.Generator) -> list[str]:
    """One to all of the sounds, in order; none if all that is heard is speech."""
    named = [kind for kind in heard if kind != SPEECH]
    if not named:
        return []
    start = int(rng.integers(len(named)))
    name = named[start : int(rng.integers(start, len(named))) + 1]
    return name if holds(name, heard) else name[:1]


def confusable(name: Sequence[str]) -> list[str]:
    """A name of the same sounds that is seldom true where this one is: turned round, or twice.

    Names of other windows are told apart by what they name; only these teach order.
    """
    return list(name) * 2 if len(name) == 1 else list(reversed(name))


def _foreign(rng: np.random.Generator) -> str:
    """Words that name no sound, some of them of no world: they are true of no window."""
    share_unknown = rng.uniform(0, 1)
    words = random_scene(rng).caption.split()
    return " ".join(SPECIAL[UNKNOWN] if rng.random() < share_unknown else w for w in words)


def make_window(rng: np.random.Generator) -> tuple[Samples, list[str]]:
    """Make ten seconds of sounds and say which, in order; the window may cut the first and last."""
    samples, heard = np.zeros(WINDOW_S * SAMPLING_RATE, np.float32), list[str]()
    at_s, n_sounds = rng.uniform(-1.0, 1.0), int(rng.integers(1, 4))
    for _ in range(n_sounds if rng.random() > 0.04 else 0):  # noqa: PLR2004
        kind, sound = _random_sound(rng, n_sounds)
        end_s = at_s + len(sound) / SAMPLING_RATE
        if end_s > WINDOW_S + 1.0:
            break
        _lay(samples, sound, at_s)
        heard.append(kind)
        at_s = end_s + rng.uniform(0.1, 1.0)
    noise = rng.standard_normal(len(samples)) * 10 ** rng.uniform(-5, -2.5)
    return (samples + noise).astype(np.float32), heard or ["silence"]


def _random_sound(rng: np.random.Generator, n_sounds: int) -> tuple[str, Samples]:
    if rng.random() < 0.15:  # noqa: PLR2004
        return SPEECH, speak(random_sentence(rng), random_voice(rng)).samples
    kind = pick(rng, NAMED_KINDS)
    longest_s = WINDOW_S if n_sounds == 1 else 4.0
    return kind, make_sound(kind, rng, rng.uniform(1.5, longest_s))


def _lay(track: Samples, sound: Samples, at_s: float) -> None:
    """Add a sound to a track, cutting what lies outside."""
    start = round(at_s * SAMPLING_RATE)
    sound = sound[max(-start, 0) : max(len(track) - start, 0)]
    start = max(start, 0)
    track[start : start + len(sound)] += sound
