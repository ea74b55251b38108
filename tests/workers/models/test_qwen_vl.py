import pytest
import torch
from PIL import Image

from schemas.errors import UnsupportedMedia
from tests.workers.models.checkpoints import MAX_TOKENS, with_parameters
from tests.workers.models.pictures import picture
from workers.models.chat import PROMPT
from workers.models.loading import load_model
from workers.models.roles import Captioner

IMAGE = "<|image_pad|>"


def by_library(folder, image, prompt):
    """The library's processor in its parts: the whole wants a reader of videos as well."""
    from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

    model = AutoModelForImageTextToText.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    seen = AutoImageProcessor.from_pretrained(folder, backend="pil")(image, return_tensors="pt")
    question = [{"type": "image"}, {"type": "text", "text": prompt}]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False
    )
    n_tokens = int(seen.image_grid_thw.prod()) // 4
    tokens = tokenizer(text.replace(IMAGE, IMAGE * n_tokens), return_tensors="pt")
    places = (tokens.input_ids == tokenizer.convert_tokens_to_ids(IMAGE)).int()
    ids = model.generate(
        **seen,
        input_ids=tokens.input_ids,
        attention_mask=tokens.attention_mask,
        mm_token_type_ids=places,
        max_new_tokens=MAX_TOKENS,
        do_sample=False,
    )
    said = ids[0, tokens.input_ids.shape[1] :]
    return seen, tokenizer.decode(said, skip_special_tokens=True).strip()


@pytest.fixture(params=["qwen2_5_vl", "qwen3_vl"])
def ref(request, tiny):
    return tiny(request.param)


@pytest.mark.parametrize("shape", [(40, 60), (90, 20), (10, 10)])
@pytest.mark.parametrize("parameters", [{}, {"prompt": "what is above"}])
def test_qwen_vl_says_what_the_library_says(ref, cpu, shape, parameters):
    qwen = load_model(with_parameters(ref, **parameters), cpu, Captioner)
    image = picture(shape)

    (caption,) = qwen.caption([qwen.read_pixels(image)])

    assert caption.text == by_library(ref.source, image, parameters.get("prompt", PROMPT))[1]


def test_qwen_vl_sees_the_patches_that_the_library_sees(ref, cpu):
    qwen, image = load_model(ref, cpu, Captioner), picture((40, 60))
    patches = qwen.read_pixels(image)
    theirs, _ = by_library(ref.source, image, PROMPT)

    assert [list(patches.grid)] == theirs.image_grid_thw.tolist()
    torch.testing.assert_close(qwen._patches([patches]), theirs.pixel_values, atol=1e-5, rtol=0)


def test_qwen_vl_looks_at_no_more_pixels_than_the_profile_allows(ref, cpu):
    small = with_parameters(ref, max_pixels=1024)
    image = picture((300, 300))

    n_patches = [
        len(load_model(each, cpu, Captioner).read_pixels(image).pixels) for each in (ref, small)
    ]

    assert n_patches == [4096 // 64, 1024 // 64]


def test_qwen_vl_refuses_strips(ref, cpu):
    qwen = load_model(ref, cpu, Captioner)

    with pytest.raises(UnsupportedMedia, match="image of 1005 x 5 px: expected at most 200 times"):
        qwen.read_pixels(Image.new("RGB", (1005, 5)))
