import numpy as np

from demo.train.blip import Blip
from demo.world import SHAPES


def test_loss_teaches_eyes_and_mouth():
    recipe = Blip()
    model = recipe.build()

    recipe.loss(model, recipe.batch(np.random.default_rng(0), 0.0)).backward()

    assert model.model.vision_model.embeddings.patch_embedding.weight.grad.abs().sum() > 0
    assert model.model.text_decoder.cls.predictions.bias.grad.abs().sum() > 0


def test_labels_end_where_the_caption_ends():
    recipe = Blip()

    batch = recipe.batch(np.random.default_rng(0), 0.0)

    told = [[i for i in row if i >= 0] for row in batch["labels"].tolist()]
    words = recipe._tokenizer.decode(told[0], skip_special_tokens=True).split()
    assert any(word in SHAPES for word in words)
    assert (batch["labels"] == -100).any()
