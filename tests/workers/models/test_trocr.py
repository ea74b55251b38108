import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from schemas.errors import ConfigurationError
from schemas.stages import ModelRef
from tests.workers.models.text_checkpoints import make_bert, small, word_tokenizer
from workers.media.image_tar import encode_jpeg
from workers.models.loading import load_model, quiet_transformers
from workers.models.roles import TextReader

LINES = ["Invoice 4711", "Total 12.50 EUR", "Thank you"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny checkpoint as TrOCR's are published: a ViT or DeiT that TrOCR's decoder looks at."""
    from transformers import (
        TrOCRConfig,
        TrOCRForCausalLM,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessorPil,
        ViTModel,
    )

    folder = tmp_path_factory.mktemp("trocr")
    quiet_transformers()
    word_tokenizer(folder)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        encoder = ViTModel(ViTConfig(**small(image_size=64, patch_size=16)))
        decoder = TrOCRForCausalLM(
            TrOCRConfig(
                vocab_size=16,
                d_model=32,
                decoder_layers=2,
                decoder_attention_heads=2,
                decoder_ffn_dim=64,
                cross_attention_hidden_size=32,
                max_position_embeddings=80,
                init_std=0.3,
            )
        )
        model = VisionEncoderDecoderModel(encoder=encoder, decoder=decoder)
    model.config.decoder_start_token_id = 2
    model.generation_config.decoder_start_token_id = 2
    model.generation_config.eos_token_id = 2
    model.generation_config.pad_token_id = 1
    model.generation_config.num_beams = 4
    model.save_pretrained(folder)
    ViTImageProcessorPil(
        size={"height": 64, "width": 64}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    ).save_pretrained(folder)
    return folder


def ref_of(folder):
    return ModelRef(source=str(folder), revision="1", family="trocr", parameters={"max_tokens": 8})


@pytest.fixture(scope="module")
def reader(folder):
    from workers.device import Device

    return load_model(ref_of(folder), Device("cpu", n_threads=1), TextReader)


def page():
    image = Image.new("RGB", (640, 300), "white")
    for i, text in enumerate(LINES):
        ImageDraw.Draw(image).text((60, 50 + 70 * i), text, "black", ImageFont.load_default(36))
    return encode_jpeg(image)


def test_reader_reads_every_line_where_it_is(reader):
    lines = reader.read_lines(reader.decode(page()))

    assert len(lines) == len(LINES)
    assert [line.box.y0 for line in lines] == sorted(line.box.y0 for line in lines)
    assert tuple(lines[0].box) == pytest.approx((60 / 640, 55 / 300, 270 / 640, 92 / 300), abs=0.05)
    assert all(line.text and 0 < line.confidence <= 1 for line in lines)


def test_reader_agrees_with_the_library_line_by_line(reader, folder):
    from transformers import AutoTokenizer, VisionEncoderDecoderModel, ViTImageProcessorPil

    found = reader._finder.find_lines(reader.decode(page()))
    model = VisionEncoderDecoderModel.from_pretrained(folder).eval()
    processor, tokenizer = (
        ViTImageProcessorPil.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
    )
    expected = set()
    for crop in found.crops:
        pixels = processor(Image.fromarray(crop[:, :, ::-1].copy()), return_tensors="pt")
        ids = model.generate(pixels.pixel_values, max_new_tokens=8, num_beams=1, do_sample=False)
        expected.add(tokenizer.decode(ids[0], skip_special_tokens=True).strip())

    assert {line.text for line in reader.read_lines(reader.decode(page()))} == expected


def test_reader_finds_nothing_where_nothing_is(reader):
    assert reader.read_lines(np.full((300, 400, 3), 255, np.uint8)) == []


def test_checkpoint_of_another_type_is_refused(tmp_path, cpu):
    make_bert(tmp_path)

    with pytest.raises(ConfigurationError, match="of type bert, family trocr expects vision-enc"):
        load_model(ref_of(tmp_path), cpu, TextReader)


def test_reader_runs_in_the_number_type_of_a_gpu(reader, half):
    coarse = type(reader)(reader.ref, half)

    lines = coarse.read_lines(coarse.decode(page()))

    assert all(0 < line.confidence <= 1 for line in lines)
