import pytest
import torch
from PIL import Image

from schemas.errors import UnreadableMedia
from schemas.stages import ModelRef
from tests.workers.models.text_checkpoints import small, word_tokenizer
from workers.media.image_tar import encode_jpeg
from workers.models.generation import Decoded
from workers.models.loading import load_model, quiet_transformers
from workers.models.roles import TextReader

MARKS = ("<|im_start|>", "<|im_end|>", "<img>", "</img>", "<imgpad>")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny checkpoint of the published class; 64 image patches make 4 image tokens."""
    from transformers import (
        GotOcr2Config,
        GotOcr2ForConditionalGeneration,
        GotOcr2ImageProcessorPil,
    )

    folder = tmp_path_factory.mktemp("got")
    quiet_transformers()
    tokenizer = word_tokenizer(folder, frame="$A")
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKS)})
    tokenizer.save_pretrained(folder)
    text = small(vocab_size=len(tokenizer), num_key_value_heads=1, max_position_embeddings=256)
    vision = {
        "hidden_size": 32,
        "output_channels": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 128,
        "patch_size": 16,
        "window_size": 4,
        "global_attn_indexes": [1],
        "mlp_dim": 64,
        "initializer_range": 0.3,
    }
    config = GotOcr2Config(
        text_config={"model_type": "qwen2", "tie_word_embeddings": True, **text},
        vision_config=vision,
        image_token_index=tokenizer.convert_tokens_to_ids("<imgpad>"),
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = GotOcr2ForConditionalGeneration(config)
    model.generation_config.eos_token_id = 2
    model.generation_config.pad_token_id = 1
    model.save_pretrained(folder)
    GotOcr2ImageProcessorPil(size={"height": 128, "width": 128}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reader(folder):
    from workers.device import Device

    ref = ModelRef(
        source=str(folder), revision="1", family="got_ocr2", parameters={"max_tokens": 8}
    )
    return load_model(ref, Device("cpu", n_threads=1), TextReader)


def page(colour="white"):
    return Image.new("RGB", (200, 300), colour)


def test_reader_agrees_with_the_library(reader, folder):
    from transformers import (
        AutoTokenizer,
        GotOcr2ForConditionalGeneration,
        GotOcr2ImageProcessorPil,
        GotOcr2Processor,
    )

    processor = GotOcr2Processor(
        GotOcr2ImageProcessorPil.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    )
    inputs = processor(page("red"), num_image_tokens=4, return_tensors="pt")
    model = GotOcr2ForConditionalGeneration.from_pretrained(folder).eval()
    ids = model.generate(
        input_ids=inputs.input_ids,
        attention_mask=inputs.attention_mask,
        pixel_values=inputs.pixel_values,
        do_sample=False,
        max_new_tokens=8,
        eos_token_id=[2, processor.tokenizer.convert_tokens_to_ids("<|im_end|>")],
    )[0, inputs.input_ids.shape[1] :]
    pixels = reader._format.read(page("red"))

    read = reader._read(pixels, 8).ids

    assert len(read) > 1
    assert read == ids.tolist()[: len(read)]
    assert len(read) == len(ids) or read[-1] in reader._ends


def test_lines_come_in_the_order_they_are_read_with_the_box_of_the_page(reader, monkeypatch):
    monkeypatch.setattr(reader, "_read", lambda image, most: Decoded([1], 0.5))
    text = "first line\n\n  second \n"
    monkeypatch.setattr(type(reader._tokenizer), "decode", lambda *a, **k: text)

    lines = reader.read_lines(reader.decode(encode_jpeg(page())))

    assert [line.text for line in lines] == ["first line", "second"]
    assert {tuple(line.box) for line in lines} == {(0.0, 0.0, 1.0, 1.0)}
    assert {line.confidence for line in lines} == {0.5}


def test_reader_refuses_broken_bytes(reader):
    with pytest.raises(UnreadableMedia, match="image artifact"):
        reader.decode(b"bytes")


def test_reader_runs_in_the_number_type_of_a_gpu(reader, half):
    coarse = type(reader)(reader.ref, half)

    lines = coarse.read_lines(coarse.decode(encode_jpeg(page())))

    assert all(0 < line.confidence <= 1 for line in lines)
