import json
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from schemas.errors import ConfigurationError, UnreadableMedia
from workers.models.pixels import PixelFormat, blank_image, decode_image, image_processor

FORMAT = PixelFormat(
    height_px=32, width_px=64, resample=3, mean=(0.5, 0.4, 0.3), std=(0.5, 0.25, 0.2)
)


def jpeg(width_px, height_px, mode="RGB"):
    """A smooth picture: what is left after scaling is known."""
    x, y = np.meshgrid(np.linspace(0, 255, width_px), np.linspace(0, 255, height_px))
    picture = np.stack([x, y, 255 - x], -1).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(picture).convert(mode).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_pixels_are_read_at_the_wanted_size():
    pixels = FORMAT.read(jpeg(100, 80))

    assert pixels.shape == (32, 64, 3)
    assert pixels.dtype == np.uint8


def test_pixels_of_a_large_jpeg_look_like_those_of_the_full_way():
    data = jpeg(1600, 1200)
    full = Image.open(BytesIO(data)).resize((64, 32), Image.Resampling.BICUBIC)

    difference = FORMAT.read(data).astype(int) - np.asarray(full).astype(int)

    assert np.abs(difference).max() <= 3


def test_pixels_of_grey_are_three_channels():
    assert FORMAT.read(jpeg(64, 64, "L")).shape == (32, 64, 3)


def test_pixels_are_read_from_decoded_images():
    assert FORMAT.read(Image.new("RGB", (8, 8), "red"))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("data", [b"", b"no image", jpeg(300, 300)[:1000]])
def test_pixels_of_broken_bytes_are_unreadable(data):
    with pytest.raises(UnreadableMedia, match="image artifact"):
        FORMAT.read(data)


def test_batch_normalises_each_channel(cpu):
    white = np.full((32, 64, 3), 255, np.uint8)

    batch = FORMAT.batch([white, np.zeros_like(white)], cpu)

    assert batch.shape == (2, 3, 32, 64)
    assert batch[:, :, 0, 0].flatten().tolist() == pytest.approx([1, 2.4, 3.5, -1, -1.6, -1.5])


def test_pixels_cut_out_the_middle_as_the_library_does():
    from transformers import CLIPImageProcessorPil

    crop = {"height": 24, "width": 20}
    processor = CLIPImageProcessorPil(size={"shortest_edge": 30}, crop_size=crop)
    cutting = PixelFormat.of(processor)
    rng = np.random.default_rng(1)
    for height, width in [(31, 47), (99, 60), (30, 30), (11, 200)]:
        image = Image.fromarray(rng.integers(0, 255, (height, width, 3), np.uint8))
        (theirs,) = processor(image, do_rescale=False, do_normalize=False).pixel_values

        ours = cutting.read(image)

        assert np.abs(ours.astype(int) - theirs.transpose(1, 2, 0)).max() <= 1


def test_pixels_of_a_long_strip_are_cut_before_they_are_scaled():
    strip = Image.new("RGB", (60_000, 1), "blue")
    cutting = replace(FORMAT, short_edge_px=64)

    assert cutting.read(strip)[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    "changes",
    [
        {"size": {"shortest_edge": 32}, "do_center_crop": False},
        {"size": {"shortest_edge": 16}},
        {"size": {"longest_edge": 32}},
        {"size": {"height": 40, "width": 40}},
        {"do_normalize": False},
        {"rescale_factor": 1 / 127.5},
    ],
)
def test_pixels_refuse_processors_that_do_something_else(changes):
    from transformers import CLIPImageProcessorPil

    usual = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}

    with pytest.raises(ConfigurationError, match="CLIPImageProcessorPil: expected to scale"):
        PixelFormat.of(CLIPImageProcessorPil(**(usual | changes)))


def test_decode_image_keeps_the_size():
    assert decode_image(jpeg(100, 80, "L")).size == (100, 80)
    assert decode_image(blank_image()).mode == "RGB"


@pytest.mark.parametrize("source", [b"no image", jpeg(300, 300)[:1000]])
def test_decode_image_of_broken_bytes_is_unreadable(source):
    with pytest.raises(UnreadableMedia, match="image artifact"):
        decode_image(source)


#: What is in `preprocessor_config.json` of published checkpoints, where it differs in form.
PUBLISHED = {
    # sizes as numbers, and the processor under its first name
    "clip": {"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224},
    "xclip": {"feature_extractor_type": "VideoMAEFeatureExtractor", "size": 224, "crop_size": 224},
    # a variant of the processor that needs torchvision
    "florence2": {
        "image_processor_type": "CLIPImageProcessorFast",
        "do_center_crop": False,
        "size": {"height": 224, "width": 224},
    },
    "siglip": {
        "image_processor_type": "SiglipImageProcessor",
        "do_convert_rgb": None,
        "size": {"height": 224, "width": 224},
    },
}


@pytest.mark.parametrize("model_type", PUBLISHED)
def test_pixels_are_read_as_published_checkpoints_say(model_type, tmp_path):
    colours = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PUBLISHED[model_type] | colours))

    found = PixelFormat.of(image_processor(tmp_path))

    cut_px = 224 if model_type in {"clip", "xclip"} else None
    assert (found.height_px, found.width_px, found.short_edge_px) == (224, 224, cut_px)
    assert (found.mean, found.resample) == ((0.5, 0.5, 0.5), 3)
