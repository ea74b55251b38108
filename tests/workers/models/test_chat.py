import json
import shutil

import pytest

from schemas.errors import ConfigurationError
from workers.models.chat import PROMPT, ChatPrompt

IMAGE = "<image>"


@pytest.fixture
def folder(tiny, tmp_path):
    """A copy of a checkpoint that a test may spoil."""
    return shutil.copytree(tiny("smolvlm").source, tmp_path / "copy")


def test_chat_puts_the_image_where_the_template_says(folder, cpu):
    prompt = ChatPrompt(folder, "describe this", IMAGE)

    inputs = prompt.batch([IMAGE * 3], cpu)

    text = prompt._tokenizer.decode(inputs["input_ids"][0], skip_special_tokens=False)
    assert text.count(IMAGE) == 3
    assert text.index(IMAGE) < text.index("describe this") < text.index("<end_of_utterance>")


def test_chat_pads_on_the_left(folder, cpu):
    prompt = ChatPrompt(folder, "describe", IMAGE)

    inputs = prompt.batch([IMAGE, IMAGE * 4], cpu)

    assert inputs["attention_mask"][0, :3].tolist() == [0, 0, 0]
    assert inputs["attention_mask"][:, -1].tolist() == [1, 1]
    assert inputs["input_ids"][0, 3:].tolist()[-2:] == inputs["input_ids"][1].tolist()[-2:]


def test_chat_finds_the_template_that_older_processors_keep(folder):
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))

    assert ChatPrompt(folder, "describe", IMAGE)._text.count("describe") == 1


def test_chat_without_a_template_is_refused(folder):
    (folder / "chat_template.jinja").unlink()

    with pytest.raises(ConfigurationError, match="expected one chat template"):
        ChatPrompt(folder, PROMPT, IMAGE)


def test_chat_that_leaves_the_image_out_is_refused(folder):
    (folder / "chat_template.jinja").write_text("{{ messages[0]['role'] }}")

    with pytest.raises(ConfigurationError, match="made 0 places for an image, expected 1"):
        ChatPrompt(folder, PROMPT, IMAGE)


def test_chat_decodes_without_marks(folder):
    prompt = ChatPrompt(folder, PROMPT, IMAGE)
    ids = prompt._tokenizer("red circle<end_of_utterance>").input_ids

    assert prompt.decode(ids) == "red circle"
