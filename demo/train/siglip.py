"""SigLIP on scenes and their captions."""

from math import log
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import (
    BlipForConditionalGeneration,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

from demo.train.loop import Batch, Recipe
from demo.train.pictures import EDGE_PX, VISION, WIDTH, WithPlaceProbe, pixels, see
from demo.train.words import END, N_WORDS, PAD, START, word_tokenizer
from demo.world import Scene, near_miss, random_scene
from infra.profiles import CHECKPOINTS_DIR

MAX_TOKENS = 24
_N_SCENES = 64
#: What cosines are multiplied by at first; it is learned.
_SCALE = 14.0


class Siglip(Recipe):
    """Pictures and captions, pulled together in pairs and pushed apart otherwise."""

    name = "siglip"
    n_steps = 500
    peak_rate = 7e-4

    def __init__(self, captioner: Path = CHECKPOINTS_DIR / "blip") -> None:
        self._captioner = captioner
        self._tokenizer = word_tokenizer(["input_ids"])

    def build(self) -> nn.Module:
        """Two towers of 4 and 2 layers; the one for pictures starts with the captioner's eyes.

        Each word of a caption teaches sight something; a pair among pairs teaches one bit or so.
        """
        text = {
            "vocab_size": N_WORDS,
            "max_position_embeddings": MAX_TOKENS,
            "hidden_size": WIDTH,
            "projection_size": WIDTH,
            "intermediate_size": 4 * WIDTH,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "bos_token_id": START,
            "eos_token_id": END,
            "pad_token_id": PAD,
        }
        model = SiglipModel(SiglipConfig(text_config=text, vision_config=VISION))
        nn.init.constant_(model.logit_scale, log(_SCALE))
        borrow_eyes(model.vision_model, self._captioner)
        return WithPlaceProbe(model)

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        """Scenes and, for each, one that differs in one thing."""
        del progress
        scenes = [random_scene(rng) for _ in range(_N_SCENES)]
        scenes += [near_miss(rng, scene) for scene in scenes]
        seen = [see(scene, rng) for scene in scenes]
        truth = torch.from_numpy(np.stack([one.truth for one in seen]))
        texts = [_tell(scene, rng) for scene in scenes]
        tokens = self._tokenizer(
            texts, padding="max_length", max_length=MAX_TOKENS, return_tensors="pt"
        )
        return {
            "pixel_values": pixels([one.image for one in seen], Image.Resampling.BICUBIC),
            "input_ids": tokens.input_ids,
            "truth": truth,
        }

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Each picture must choose its caption among the batch, and each caption its picture.

        SigLIP's own pairwise sigmoid reaches the same place, but needs far larger batches.
        """
        model = cast("WithPlaceProbe", model)
        inputs = {name: tensor for name, tensor in batch.items() if name != "truth"}
        matched = model.model(**inputs)
        logits = matched.logits_per_image.float()
        own = torch.arange(len(logits), device=logits.device)
        choice = (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
        patches = matched.vision_model_output.last_hidden_state
        loss: Tensor = choice + model.place_loss(patches, batch["truth"])
        return loss

    def save(self, model: nn.Module, folder: Path) -> None:
        """Half precision is enough; the probe stays behind."""
        cast("WithPlaceProbe", model).model.half().save_pretrained(folder)
        size = {"height": EDGE_PX, "width": EDGE_PX}
        half = [0.5, 0.5, 0.5]
        SiglipImageProcessorPil(size=size, image_mean=half, image_std=half).save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)


def borrow_eyes(vision: Any, captioner: Path) -> None:
    """Copy the vision layers of a BLIP checkpoint of the same shape; all but its class token."""
    eyes = BlipForConditionalGeneration.from_pretrained(captioner, dtype=torch.float32).vision_model
    theirs = {
        name: weights for name, weights in eyes.state_dict().items() if "class_emb" not in name
    }
    ours = {}
    for name, weights in theirs.items():
        if "qkv" in name:
            for part, piece in zip("qkv", weights.chunk(3), strict=True):
                ours[name.replace("qkv", f"{part}_proj")] = piece
        elif "position_embedding" in name:
            ours["embeddings.position_embedding.weight"] = weights[0, 1:]
        else:
            ours[name.replace("self_attn.projection", "self_attn.out_proj")] = weights
    missing, unknown = vision.load_state_dict(ours, strict=False)
    assert not unknown
    assert all(name.startswith("head.") for name in missing)


def _tell(scene: Scene, rng: np.random.Generator) -> str:
    """People describe from either side."""
    return scene.caption if rng.random() < 0.7 else scene.mirrored_caption  # noqa: PLR2004
