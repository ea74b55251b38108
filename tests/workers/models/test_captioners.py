"""What every captioner must do, whatever its family."""

import pytest

from schemas.errors import ConfigurationError, UnreadableMedia
from tests.workers.models.pictures import picture
from workers.media.image_tar import encode_jpeg
from workers.models.loading import load_model
from workers.models.roles import Captioner, ImageEncoder

#: Tiny checkpoints; `qwen3_vl` and others share a family with the one before.
NAMES = ["blip", "git", "florence2", "smolvlm", "idefics3", "qwen2_5_vl", "qwen3_vl"]
#: Of different shapes, so that families which keep the shape must pad.
SHAPES = [(40, 60), (70, 50), (20, 64), (64, 64)]
FUSED = {"florence2", "smolvlm", "idefics3", "qwen2_5_vl", "qwen3_vl"}


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def captioner(name, tiny, cpu):
    return load_model(tiny(name), cpu, Captioner)


def test_captioner_says_the_same_in_any_company(captioner):
    images = [captioner.read_pixels(encode_jpeg(picture(shape))) for shape in SHAPES]

    together = captioner.caption(images)
    alone = [captioner.caption([image])[0] for image in images]

    assert [caption.text for caption in together] == [caption.text for caption in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)


def test_captioner_looks_at_the_image(captioner):
    images = [captioner.read_pixels(picture(shape)) for shape in SHAPES]

    captions = captioner.caption(images)

    assert len({caption.text for caption in captions}) > 1
    assert all(0 < caption.confidence <= 1 for caption in captions)


def test_captioner_runs_in_bfloat16(name, tiny, half):
    captioner = load_model(tiny(name), half, Captioner)

    (caption,) = captioner.caption([captioner.read_pixels(picture((40, 60)))])

    assert 0 < caption.confidence <= 1


def test_captioner_finds_broken_images_unreadable(captioner):
    with pytest.raises(UnreadableMedia, match="image artifact"):
        captioner.read_pixels(encode_jpeg(picture((300, 300)))[:900])


def test_captioner_attends_through_fused_kernels_where_it_can(captioner, name):
    attention = captioner._model.config._attn_implementation

    assert attention == ("sdpa" if name in FUSED else "eager")


def test_captioner_refuses_the_checkpoint_of_another_family(name, tiny, cpu):
    ref = tiny("clip").model_copy(update={"family": tiny(name).family})

    with pytest.raises(ConfigurationError, match="found a checkpoint of type clip, family"):
        load_model(ref, cpu, Captioner)


def test_captioner_is_no_encoder(name, tiny, cpu):
    with pytest.raises(ConfigurationError, match="is no ImageEncoder"):
        load_model(tiny(name), cpu, ImageEncoder)
