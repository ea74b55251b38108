from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from schemas.stages import ModelRef
from tests.workers.models.checkpoints import with_parameters
from tests.workers.models.pictures import picture
from workers.models.loading import load_model
from workers.models.roles import Captioner

DEMO = Path(__file__).parents[3] / "demo/models/blip"


@pytest.fixture(params=["blip", "git", "demo"])
def blip(request, tiny, cpu):
    """BLIP and GIT with random weights, and the checkpoint of the demo profile."""
    if request.param == "demo" and not DEMO.is_dir():
        pytest.skip("no checkpoint in demo/models")
    demo = ModelRef(source=str(DEMO), revision="1", family="blip")
    return load_model(demo if request.param == "demo" else tiny(request.param), cpu, Captioner)


def by_library(blip, image):
    """Ids after the prompt by the library's own processor and model."""
    from transformers import AutoImageProcessor, AutoModelForImageTextToText

    folder = blip._tokenizer._tokenizer.name_or_path
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    inputs = AutoImageProcessor.from_pretrained(folder, backend="pil")(image, return_tensors="pt")
    ids = model.generate(**inputs, max_new_tokens=blip._max_tokens, do_sample=False)[0]
    return model, inputs.pixel_values, ids


def test_blip_says_what_the_library_says(blip):
    for image in (picture((40, 60)), Image.effect_mandelbrot((300, 200), (-2, -1.5, 1, 1.5), 50)):
        *_, ids = by_library(blip, image)

        (caption,) = blip.caption([blip.read_pixels(image)])

        assert caption.text == blip._tokenizer.decode(ids.tolist())


def test_blip_says_the_same_in_any_company(blip):
    shapes = [(40, 60), (70, 50), (200, 300)]
    images = [blip.read_pixels(picture(shape)) for shape in shapes]

    together = blip.caption(images)

    assert [c.text for c in together] == [blip.caption([image])[0].text for image in images]


def test_blip_is_as_sure_as_its_tokens(blip):
    image = picture((40, 60))
    (caption,) = blip.caption([blip.read_pixels(image)])
    model, pixels, ids = by_library(blip, image)
    with torch.no_grad():
        logits = model(pixel_values=pixels, input_ids=ids[None, :-1]).logits
    logits = logits[:, -(len(ids) - 1) :]  # GIT answers for the places of the image as well
    chosen = logits.log_softmax(-1).gather(-1, ids[None, 1:, None])

    assert caption.confidence == pytest.approx(chosen.mean().exp().item(), rel=1e-3)


def test_blip_says_no_more_than_the_profile_allows(tiny, cpu):
    blip = load_model(with_parameters(tiny("blip"), max_tokens=3), cpu, Captioner)

    (caption,) = blip.caption([np.zeros((32, 32, 3), np.uint8)])

    assert 0 < len(caption.text.split()) <= 3


def test_blip_stops_where_its_places_end(tiny, cpu):
    blip = load_model(with_parameters(tiny("blip"), max_tokens=1000), cpu, Captioner)

    captions = blip.caption([blip.read_pixels(picture((40 + i, 60))) for i in range(4)])

    assert len(captions) == 4
    assert blip._max_tokens == 63
