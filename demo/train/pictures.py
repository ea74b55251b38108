"""Pictures to learn from: scenes as cameras, encoders and editors leave them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from demo.draw import BACKGROUNDS, Placed, View, draw, place, scene_height
from demo.world import COLOURS, SHAPES, SIZES, VOCABULARY, Scene, pick

#: Edge of what the models see. Patches of 12 leave 64 tokens: small shapes are larger than one.
EDGE_PX = 96
PATCH_PX = 12
COLOUR_NAMES, SIZE_NAMES = tuple(COLOURS), tuple(SIZES)
#: How many colours, kinds and sizes there are, and none of each.
_N_NAMES = [1 + len(names) for names in (COLOURS, SHAPES, SIZES)]
#: Share of a shape's radius within which a patch shows little else.
_INSIDE = 0.7
WIDTH = 128
#: The vision tower of both models that look.
VISION = {
    "image_size": EDGE_PX,
    "patch_size": PATCH_PX,
    "hidden_size": WIDTH,
    "intermediate_size": 4 * WIDTH,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
}
#: Sizes that pictures and frames come in; small, as drawing them is half the work.
SHAPES_PX = ((160, 160), (240, 180), (180, 240), (240, 135), (200, 150), (128, 128), (320, 240))


@dataclass(frozen=True)
class Seen:
    """A picture and what is where in it."""

    image: Image.Image
    #: int64, shape (N_PATCHES, 3): colour, kind and size of the shape at each patch, from 1; or 0.
    truth: NDArray[np.int64]


def see(scene: Scene, rng: np.random.Generator) -> Seen:
    """Draw a scene as one frame of a film: moved, perhaps with printed words, compressed."""
    n_words = int(rng.integers(1, 4)) if rng.random() < 0.3 else 0  # noqa: PLR2004
    words = " ".join(pick(rng, VOCABULARY) for _ in range(n_words))
    shift = (rng.uniform(-0.04, 0.04), rng.uniform(-0.03, 0.03))
    view = View(pick(rng, BACKGROUNDS), words, shift, rng.uniform(0.95, 1.05))
    placed, size_px = place(scene, rng), pick(rng, SHAPES_PX)
    image = draw(placed, view, size_px)
    if rng.random() < 0.6:  # noqa: PLR2004
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=int(rng.integers(60, 95)))
        image = Image.open(jpeg)
    return Seen(image, _truth(placed, view, size_px))


def _truth(placed: Sequence[Placed], view: View, size_px: tuple[int, int]) -> NDArray[np.int64]:
    """Mark the patches that lie well inside each shape, and the one at its centre."""
    n = EDGE_PX // PATCH_PX
    truth = np.zeros((n, n, 3), np.int64)
    height = scene_height(view)
    y, x = np.mgrid[:n, :n] / n + 0.5 / n
    for item in placed:
        at_x, at_y = item.x + view.shift[0], (item.y + view.shift[1]) * height
        radius = item.size * view.zoom * min(size_px[0], size_px[1] * height) / 2
        off = np.hypot((x - at_x) * size_px[0], (y - at_y) * size_px[1]) / radius
        name = (COLOUR_NAMES.index(item.shape.colour), SHAPES.index(item.shape.kind))
        truth[(off < _INSIDE) | (off == off.min())] = (*name, SIZE_NAMES.index(item.shape.size))
        truth[(off < _INSIDE) | (off == off.min())] += 1
    return truth.reshape(-1, 3)


def pixels(images: Sequence[Image.Image], resample: Image.Resampling) -> Tensor:
    """Scale to the models' size; float32, shape (n, 3, EDGE_PX, EDGE_PX), range [-1, 1]."""
    scaled = [np.asarray(image.resize((EDGE_PX, EDGE_PX), resample)) for image in images]
    return torch.from_numpy(np.stack(scaled)).permute(0, 3, 1, 2) / 127.5 - 1.0


class WithPlaceProbe(nn.Module):
    """A model and, while it learns, a head that names the shape at each patch.

    The world knows what is where, so the eyes need not wait until the decoder has found where
    to look. Boxes or masks serve as well; without them captions alone do, ten times slower.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.probe = nn.Linear(WIDTH, sum(_N_NAMES))

    def place_loss(self, states: Tensor, truth: Tensor) -> Tensor:
        """Cross entropy of colour, kind and size at each patch; most patches show none."""
        losses = []
        for scores, names in zip(
            self.probe(states).split(_N_NAMES, -1), truth.unbind(-1), strict=True
        ):
            weight = torch.ones(scores.shape[-1], device=scores.device)
            weight[0] = 0.1
            losses.append(cross_entropy(scores.float().transpose(1, 2), names, weight))
        return torch.stack(losses).sum()
