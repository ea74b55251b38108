"""BLIP on scenes: a captioner."""

from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil

from demo.train.loop import Batch, Recipe
from demo.train.pictures import EDGE_PX, VISION, WIDTH, WithPlaceProbe, pixels, see
from demo.train.words import END, N_WORDS, PAD, START, word_tokenizer
from demo.world import Scene, inside_pair, near_miss, random_scene

MAX_TOKENS = 24
_N_SCENES = 32
#: Of scenes with one shape inside another, beside those that come by chance.
_INSIDE_SHARE = 0.3
#: Labels that the loss leaves out.
_IGNORED = -100


class Blip(Recipe):
    """Every picture with its one caption."""

    name = "blip"
    n_steps = 3000
    peak_rate = 1e-3

    def __init__(self) -> None:
        self._tokenizer = word_tokenizer()

    def build(self) -> nn.Module:
        """Eyes of 4 layers, a mouth of 2."""
        text = {
            "vocab_size": N_WORDS,
            "max_position_embeddings": MAX_TOKENS,
            "hidden_size": WIDTH,
            "encoder_hidden_size": WIDTH,
            "intermediate_size": 4 * WIDTH,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "bos_token_id": START,
            "pad_token_id": PAD,
            "eos_token_id": END,
            "sep_token_id": END,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "label_smoothing": 0.0,
            "initializer_range": WIDTH**-0.5,
        }
        # BLIP's default of 1e-10 means "weights will be loaded": nothing would tell places apart.
        vision = {**VISION, "initializer_range": WIDTH**-0.5}
        config = BlipConfig(text_config=text, vision_config=vision, projection_dim=WIDTH)
        return WithPlaceProbe(BlipForConditionalGeneration(config))

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        """Scenes and, for each, one that differs in one thing."""
        del progress
        scenes = [_lesson(rng) for _ in range(_N_SCENES)]
        scenes += [near_miss(rng, scene) for scene in scenes]
        seen = [see(scene, rng) for scene in scenes]
        truth = torch.from_numpy(np.stack([one.truth for one in seen]))
        tokens = self._tokenizer([s.caption for s in scenes], padding=True, return_tensors="pt")
        labels = tokens.input_ids.masked_fill(tokens.attention_mask == 0, _IGNORED)
        images = pixels([one.image for one in seen], Image.Resampling.BICUBIC)
        return {"pixel_values": images, **tokens, "labels": labels, "truth": truth}

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross entropy of each next word, and of what is where."""
        model = cast("WithPlaceProbe", model)
        inputs = {name: tensor for name, tensor in batch.items() if name != "truth"}
        told = model.model(**inputs)
        patches = told.last_hidden_state[:, 1:]  # without the class token
        loss: Tensor = told.loss + model.place_loss(patches, batch["truth"])
        return loss

    def save(self, model: nn.Module, folder: Path) -> None:
        """Half precision is enough; the probe stays behind."""
        cast("WithPlaceProbe", model).model.half().save_pretrained(folder)
        size = {"height": EDGE_PX, "width": EDGE_PX}
        half = [0.5, 0.5, 0.5]
        BlipImageProcessorPil(size=size, image_mean=half, image_std=half).save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)


def _lesson(rng: np.random.Generator) -> Scene:
    """A scene; a small shape inside another is the hardest to name, so it comes more often."""
    return inside_pair(rng) if rng.random() < _INSIDE_SHARE else random_scene(rng)
