"""Pictures for models with random weights."""

import numpy as np
from PIL import Image


def picture(shape):
    """Blots with a little noise on them: as in a photograph, most of it is coarse."""
    rng = np.random.default_rng(sum(shape))
    height, width = shape
    blots = rng.integers(0, 255, (height // 10 + 2, width // 10 + 2, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(blots).resize((width, height)), np.int16)
    noisy = smooth + rng.integers(-20, 20, (height, width, 3), np.int16)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
