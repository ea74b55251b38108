import numpy as np
import pytest
import torch
from PIL import Image

from schemas.errors import ConfigurationError
from tests.workers.models.pictures import picture
from workers.device import Device
from workers.models.loading import load_model
from workers.models.roles import ClipEncoder, ImageEncoder

N_FRAMES = 4


@pytest.fixture
def xclip(tiny, cpu):
    return load_model(tiny("xclip"), cpu, ClipEncoder)


def clip(seed):
    """A bright square on its way over a picture."""
    frames = []
    for step in range(N_FRAMES):
        frame = picture((40, 50 + seed)).copy()
        frame.paste(Image.new("RGB", (12, 12), "white"), (3 + 9 * step, 5))
        frames.append(frame)
    return frames


def read(xclip, frames):
    return [xclip.read_pixels(frame) for frame in frames]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_xclip_agrees_with_the_library(xclip):
    from transformers import AutoImageProcessor, AutoTokenizer, XCLIPModel, XCLIPProcessor

    folder = xclip.ref.source
    processor = XCLIPProcessor(
        AutoImageProcessor.from_pretrained(folder, backend="pil"),
        AutoTokenizer.from_pretrained(folder),
    )
    model, texts = XCLIPModel.from_pretrained(folder), ["a red circle", "below the square"]
    with torch.no_grad():
        seen = processor(videos=clip(0), return_tensors="pt")
        video = unit(model.get_video_features(**seen).pooler_output.numpy())
        tokens = processor(text=texts, padding=True, return_tensors="pt")
        told = unit(model.get_text_features(**tokens).pooler_output.numpy())

    assert (xclip.embed_clips([read(xclip, clip(0))]) * video).sum() >= 0.999
    assert (xclip.embed_texts(texts) * told).sum(1).min() >= 0.999


def test_xclip_embeds_clips_alike_in_any_company(xclip):
    clips = [read(xclip, clip(seed)) for seed in (0, 7, 11)]

    together = xclip.embed_clips(clips)

    assert together.shape == (3, 24)
    for i, frames in enumerate(clips):
        assert xclip.embed_clips([frames])[0] == pytest.approx(together[i], abs=1e-5)


def test_xclip_sees_the_order_of_frames(xclip):
    frames = read(xclip, clip(0))

    forwards, backwards = xclip.embed_clips([frames, frames[::-1]])

    assert np.abs(forwards - backwards).max() > 1e-3


def test_xclip_takes_a_picture_for_a_clip_that_stands_still(xclip):
    (pixels,) = read(xclip, [picture((40, 50))])

    assert xclip.embed_images([pixels])[0] == pytest.approx(
        xclip.embed_clips([[pixels] * N_FRAMES])[0], abs=1e-6
    )


def test_xclip_runs_in_bfloat16(tiny, half, xclip):
    frames = read(xclip, clip(0))

    small = load_model(tiny("xclip"), half, ClipEncoder).embed_clips([frames])

    assert (small * xclip.embed_clips([frames])).sum() >= 0.98


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_xclip_agrees_on_gpu_and_cpu(tiny, xclip):
    frames = read(xclip, clip(0))

    on_gpu = load_model(tiny("xclip"), Device("cuda:0"), ClipEncoder).embed_clips([frames])

    assert (on_gpu * xclip.embed_clips([frames])).sum() >= 0.98


def test_xclip_refuses_other_checkpoints(tiny, cpu):
    ref = tiny("clip").model_copy(update={"family": "xclip"})

    with pytest.raises(ConfigurationError, match="type clip, family xclip expects xclip"):
        load_model(ref, cpu, ImageEncoder)
