import pytest
import torch

from tests.workers.models.checkpoints import MAX_TOKENS, with_parameters
from tests.workers.models.pictures import picture
from workers.models.chat import PROMPT
from workers.models.loading import load_model
from workers.models.roles import Captioner


def by_library(folder, image, prompt, *, split=True):
    from transformers import (
        AutoImageProcessor,
        AutoModelForImageTextToText,
        AutoTokenizer,
        Idefics3Processor,
    )

    # The processor for both: SmolVLM's own differs for videos only, and wants a reader for them.
    processor = Idefics3Processor(
        AutoImageProcessor.from_pretrained(folder, backend="pil"),
        AutoTokenizer.from_pretrained(folder),
        image_seq_len=4,
    )
    model = AutoModelForImageTextToText.from_pretrained(folder)
    question = [{"type": "image"}, {"type": "text", "text": prompt}]
    text = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False
    )
    inputs = processor(text=text, images=[image], return_tensors="pt", do_image_splitting=split)
    ids = model.generate(**inputs, max_new_tokens=MAX_TOKENS, do_sample=False)
    said = ids[0, inputs["input_ids"].shape[1] :]
    return inputs, processor.tokenizer.decode(said, skip_special_tokens=True).strip()


@pytest.fixture(params=["smolvlm", "idefics3"])
def ref(request, tiny):
    return tiny(request.param)


@pytest.mark.parametrize("shape", [(40, 60), (90, 30)])
@pytest.mark.parametrize("parameters", [{}, {"split": False}, {"prompt": "what is above"}])
def test_smolvlm_says_what_the_library_says(ref, cpu, shape, parameters):
    model = load_model(with_parameters(ref, **parameters), cpu, Captioner)
    image = picture(shape)
    prompt, split = parameters.get("prompt", PROMPT), parameters.get("split", True)

    (caption,) = model.caption([model.read_pixels(image)])

    assert caption.text == by_library(ref.source, image, prompt, split=split)[1]


def test_smolvlm_sees_the_tiles_that_the_library_sees(ref, cpu):
    model, image = load_model(ref, cpu, Captioner), picture((40, 60))
    tiles = model.read_pixels(image)
    theirs, _ = by_library(ref.source, image, PROMPT)

    ours = model._batch([tiles])
    inputs = model._prompt.batch([model._markers(tiles)], cpu)

    assert (tiles.n_rows, tiles.n_columns) == (2, 2)
    assert len(tiles.pixels) == 5
    torch.testing.assert_close(ours, theirs["pixel_values"], atol=1e-5, rtol=0)
    assert inputs["input_ids"].tolist() == theirs["input_ids"].tolist()


def test_smolvlm_batches_images_of_few_and_many_tiles(ref, cpu):
    split, whole = (
        load_model(with_parameters(ref, split=is_split), cpu, Captioner)
        for is_split in (True, False)
    )
    images = [split.read_pixels(picture((40, 60))), whole.read_pixels(picture((60, 40)))]

    together = split.caption(images)

    assert [len(image.pixels) for image in images] == [5, 1]
    assert together[1].text == whole.caption([images[1]])[0].text
