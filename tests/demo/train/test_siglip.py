import numpy as np
import pytest
import torch

from demo.train.blip import Blip
from demo.train.siglip import Siglip


@pytest.fixture
def captioner(tmp_path):
    recipe = Blip()
    model = recipe.build()
    recipe.save(model, tmp_path)
    return tmp_path, model.model.float().eval()


def test_eyes_of_the_captioner_see_the_same(captioner):
    folder, blip = captioner
    siglip = Siglip(folder).build().model.eval()
    pixels = torch.randn(2, 3, 96, 96)

    with torch.inference_mode():
        theirs = blip.vision_model(pixels).last_hidden_state[:, 1:]
        ours = siglip.vision_model(pixels).last_hidden_state

    # Ours have no class token to look at, so not the very same.
    assert torch.cosine_similarity(theirs, ours, dim=-1).mean() > 0.95


def test_loss_of_a_batch_is_finite(captioner):
    recipe = Siglip(captioner[0])

    batch = recipe.batch(np.random.default_rng(0), 0.0)

    assert recipe.loss(recipe.build(), batch).isfinite()
