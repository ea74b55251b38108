import pytest

from schemas.errors import ConfigurationError
from tests.workers.models.checkpoints import MAX_TOKENS, with_parameters
from tests.workers.models.pictures import picture
from workers.models.florence2 import TASKS
from workers.models.loading import load_model
from workers.models.roles import Captioner


def by_library(folder, image, task):
    from transformers import (
        AutoImageProcessor,
        AutoTokenizer,
        Florence2ForConditionalGeneration,
        Florence2Processor,
    )

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.image_token = "<image>"
    tokenizer.image_token_id = tokenizer.convert_tokens_to_ids("<image>")
    processor = Florence2Processor(
        AutoImageProcessor.from_pretrained(folder, backend="pil"), tokenizer
    )
    model = Florence2ForConditionalGeneration.from_pretrained(folder)
    inputs = processor(images=image, text=task, return_tensors="pt")
    ids = model.generate(**inputs, max_new_tokens=MAX_TOKENS, do_sample=False)
    return processor.batch_decode(ids, skip_special_tokens=True)[0].strip()


@pytest.mark.parametrize("task", TASKS)
def test_florence2_says_what_the_library_says(tiny, cpu, task):
    ref = with_parameters(tiny("florence2"), prompt=task)
    florence = load_model(ref, cpu, Captioner)
    image = picture((70, 90))

    (caption,) = florence.caption([florence.read_pixels(image)])

    assert caption.text == by_library(ref.source, image, task)


@pytest.mark.parametrize("task", ["<OCR>", "Describe this", ""])
def test_florence2_refuses_tasks_that_describe_no_image(tiny, cpu, task):
    ref = with_parameters(tiny("florence2"), prompt=task)

    with pytest.raises(ConfigurationError, match=f"prompt {task}: expected <CAPTION>, <DETAILED"):
        load_model(ref, cpu, Captioner)
