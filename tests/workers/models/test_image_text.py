from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from infra.settings import MediaLimits
from schemas.asset import MediaType
from schemas.errors import ConfigurationError
from schemas.stages import ModelRef
from tests.workers.models.checkpoints import make
from tests.workers.models.pictures import picture
from workers.device import Device
from workers.media.image_tar import encode_jpeg, read_images
from workers.media.images import read_image
from workers.media.media_file import MediaFile
from workers.models.loading import load_model
from workers.models.roles import ImageEncoder

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "../shared/data/image"
FAMILIES = ("siglip", "clip")
#: Sides that are odd, long, wide and smaller than what the model sees.
SHAPES = [(41, 60), (125, 101), (90, 400), (20, 13)]


@pytest.fixture(scope="module", params=[*FAMILIES, "siglip_pieces", "demo"])
def encoder(request, tiny):
    if request.param != "demo":
        return load_model(tiny(request.param), Device("cpu"), ImageEncoder)
    folder = ROOT / "demo/models/siglip"
    if not folder.is_dir():
        pytest.skip("no checkpoint in demo/models")
    ref = ModelRef(source=str(folder), revision="1", family="siglip")
    return load_model(ref, Device("cpu"), ImageEncoder)


@pytest.fixture(scope="module")
def photographs():
    names = sorted(PICTURES.glob("skimage/*.png"))[:6]
    if not names:
        pytest.skip("no test media in ../shared/data")
    return [Image.open(name).convert("RGB") for name in names]


@pytest.fixture(scope="module")
def originals(photographs, tmp_path_factory):
    """Pictures larger than a view, and the view that `prepare` makes of each."""
    folder = tmp_path_factory.mktemp("originals")
    large = [image.resize((3000, 2251)) for image in photographs[:2]]
    return large, [view_of(image, folder / str(i)) for i, image in enumerate(large)]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_library(encoder, images=(), texts=()):
    """The straightforward way: the library's own processor, tokenizer and model."""
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    folder = encoder.ref.source
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        if images:
            inputs = AutoImageProcessor.from_pretrained(folder, backend="pil")(
                list(images), return_tensors="pt"
            )
            return unit(model.get_image_features(**inputs).pooler_output.numpy())
        padding = "max_length" if model.config.model_type == "siglip" else True
        length = model.config.text_config.max_position_embeddings
        tokens = AutoTokenizer.from_pretrained(folder)(
            list(texts), padding=padding, truncation=True, max_length=length, return_tensors="pt"
        )
        if model.config.model_type == "siglip":
            tokens.pop("attention_mask", None)
        return unit(model.get_text_features(**tokens).pooler_output.numpy())


def test_image_text_agrees_with_the_library_on_artifacts(encoder):
    jpegs = [encode_jpeg(picture(shape)) for shape in SHAPES]
    theirs = by_library(encoder, [Image.open(BytesIO(data)).convert("RGB") for data in jpegs])

    ours = encoder.embed_images([encoder.read_pixels(data) for data in jpegs])

    assert (ours * theirs).sum(1).min() >= 0.999


def test_image_text_agrees_with_the_library_on_large_artifacts(encoder, photographs):
    jpegs = [encode_jpeg(image.resize((1600, 1200))) for image in photographs]
    theirs = by_library(encoder, [Image.open(BytesIO(data)) for data in jpegs])

    ours = encoder.embed_images([encoder.read_pixels(data) for data in jpegs])

    assert (ours * theirs).sum(1).min() >= 0.999


def test_image_text_agrees_with_the_library_on_full_size_originals(encoder, originals):
    large, views = originals
    theirs = by_library(encoder, large)

    ours = encoder.embed_images([encoder.read_pixels(view) for view in views])

    assert (ours * theirs).sum(1).min() >= 0.98


def view_of(image, folder):
    """The JPEG that `prepare` would write."""
    folder.mkdir()
    path = folder / "original.png"
    image.save(path, compress_level=1)
    media = MediaFile(
        name="original.png",
        path=path,
        mime_type="image/png",
        media_type=MediaType.IMAGE,
        sha256="0" * 64,
        size_bytes=path.stat().st_size,
        scratch=folder,
        limits=MediaLimits(),
    )
    view = read_image(media).artifacts[0]
    return next(read_images(view.path, view.images))[1]


def test_image_text_agrees_with_the_library_on_texts(encoder):
    texts = ["a red circle", "the blue square above a green circle", "below " * 30]

    assert (encoder.embed_texts(texts) * by_library(encoder, texts=texts)).sum(1).min() >= 0.999


@pytest.mark.parametrize("family", FAMILIES)
def test_image_text_embeds_alike_in_any_company(tiny, cpu, family):
    encoder = load_model(tiny(family), cpu, ImageEncoder)
    pixels = [encoder.read_pixels(picture(shape)) for shape in SHAPES]
    texts = ["a red circle", "sea " * 200, "red"]

    together, told = encoder.embed_images(pixels), encoder.embed_texts(texts)

    for i, image in enumerate(pixels):
        assert encoder.embed_images([image])[0] == pytest.approx(together[i], abs=1e-5)
    for i, text in enumerate(texts):
        assert encoder.embed_texts([text])[0] == pytest.approx(told[i], abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_image_text_embeds_images_and_texts_in_one_space(tiny, cpu, family):
    encoder = load_model(tiny(family), cpu, ImageEncoder)

    images = encoder.embed_images([encoder.read_pixels(picture(shape)) for shape in SHAPES[:2]])
    texts = encoder.embed_texts(["red", "a circle"])

    assert images.shape == texts.shape
    assert images.dtype == texts.dtype == np.float32
    assert np.linalg.norm([*images, *texts], axis=1) == pytest.approx(1.0, abs=1e-5)


def test_siglip_reads_texts_in_lower_case(tiny, cpu):
    siglip = load_model(tiny("siglip"), cpu, ImageEncoder)

    upper, lower = siglip.embed_texts(["A Red CIRCLE", "a red circle"])

    assert upper == pytest.approx(lower, abs=1e-6)


def test_siglip_leaves_punctuation_out_as_it_was_trained(tiny, cpu):
    siglip = load_model(tiny("siglip_pieces"), cpu, ImageEncoder)

    plain, marked, other = siglip.embed_texts(["a red circle", "A red circle!", "a blue square"])

    assert marked == pytest.approx(plain, abs=1e-6)
    assert plain != pytest.approx(other, abs=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_image_text_attends_through_fused_kernels(tiny, cpu, family):
    assert load_model(tiny(family), cpu, ImageEncoder)._model.config._attn_implementation == "sdpa"


def test_image_text_runs_in_bfloat16(tiny, half, cpu):
    ref = tiny("clip")
    pixels = [load_model(ref, cpu, ImageEncoder).read_pixels(picture(shape)) for shape in SHAPES]
    full, small = (
        load_model(ref, device, ImageEncoder).embed_images(pixels) for device in (cpu, half)
    )

    assert small.dtype == np.float32
    assert (full * small).sum(1).min() >= 0.99


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("family", FAMILIES)
def test_image_text_agrees_on_gpu_and_cpu(tiny, cpu, family):
    encoders = [load_model(tiny(family), d, ImageEncoder) for d in (cpu, Device("cuda:0"))]
    pixels = [encoders[0].read_pixels(picture(shape)) for shape in SHAPES]

    images = [encoder.embed_images(pixels) for encoder in encoders]
    texts = [encoder.embed_texts(["a red circle", "blue"]) for encoder in encoders]

    for on_cpu, on_gpu in (images, texts):
        assert (on_cpu * on_gpu).sum(1).min() >= 0.99


@pytest.mark.parametrize("name", ["blip", "naflex", "xclip"])
def test_image_text_refuses_other_checkpoints(tiny, cpu, name):
    ref = tiny(name).model_copy(update={"family": "siglip2"})
    expected = r"found a checkpoint of type \w+, family siglip2 expects siglip or clip"

    with pytest.raises(ConfigurationError, match=expected):
        load_model(ref, cpu, ImageEncoder)


def test_image_text_of_another_resolution_is_refused(tmp_path, cpu):
    ref = make("clip", tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(path.read_text().replace('"shortest_edge": 32', '"longest_edge": 32'))

    with pytest.raises(ConfigurationError, match="expected to scale to a fixed size"):
        load_model(ref, cpu, ImageEncoder)


def test_the_demo_profile_names_a_family_that_loads(demo_models, cpu):
    encoder = load_model(demo_models["embed_visual"], cpu, ImageEncoder)

    assert encoder.embed_texts(["a"]).shape == (1, 128)
