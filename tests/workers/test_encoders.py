import math
import threading
import wave
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from infra.sandbox import Sandbox
from infra.settings import MediaLimits, SandboxLimits
from schemas.errors import ConfigurationError, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from schemas.stages import ModelRef
from workers.device import Device
from workers.encoders import MAX_SOUND_S, Encoders
from workers.models import loading
from workers.models.inference import to_embeddings
from workers.models.roles import AudioEncoder, ImageEncoder, TextEncoder

N_LOADED = []


def unit(rows):
    import torch

    return to_embeddings(torch.tensor(np.array(rows, np.float32)))


class TinyWords(TextEncoder):
    """Two letters count."""

    def __init__(self, ref, device):
        super().__init__(ref, device)
        N_LOADED.append(ref.source)

    def embed_texts(self, texts):
        return unit([[text.count("a") + 1, text.count("b") + 1] for text in texts])


class TinyEyes(TinyWords, ImageEncoder):
    """The mean colour."""

    def read_pixels(self, source):
        return np.asarray(Image.open(BytesIO(source)).convert("RGB"))

    def embed_images(self, images):
        return unit([pixels.mean(axis=(0, 1)) + 1 for pixels in images])


class TinyEars(TinyWords, AudioEncoder):
    """How loud, and how often the sign changes."""

    def extract_features(self, samples):
        return np.array([np.abs(samples).mean(), (np.diff(np.sign(samples)) != 0).mean()])

    def embed_audio(self, windows):
        return unit(windows)


FAMILIES = {"embed_text": TinyWords, "embed_visual": TinyEyes, "embed_audio": TinyEars}
MODELS = {stage: ModelRef(source=stage, revision="1", family=stage) for stage in FAMILIES}


@pytest.fixture(scope="module")
def sandbox():
    made = Sandbox(SandboxLimits(n_children=1))
    yield made
    made.close()


@pytest.fixture
def encoders(sandbox, monkeypatch):
    N_LOADED.clear()
    for stage, family in FAMILIES.items():
        monkeypatch.setitem(loading.FAMILIES, stage, f"{__name__}:{family.__name__}")
    return Encoders(MODELS, Device(), sandbox, MediaLimits())


def png(colour, size=(64, 48)):
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def wav(seconds, hz, peak=0.5):
    samples = peak * 32767 * np.sin(2 * math.pi * hz * np.arange(int(seconds * 16_000)) / 16_000)
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def test_text_is_encoded_by_the_model_of_the_space(encoders):
    vector = encoders.encode_text("visual", "aaa")

    assert vector == pytest.approx(np.array([4, 1]) / np.sqrt(17))
    assert N_LOADED == ["embed_visual"]


def test_model_is_loaded_once_by_many_threads(encoders):
    threads = [threading.Thread(target=encoders.encode_text, args=("text", "a")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert N_LOADED == ["embed_text"]


def test_nothing_is_loaded_before_it_is_needed(encoders):
    assert encoders.encode_sparse("a dog") is not None
    assert N_LOADED == []


def test_sparse_of_words_that_say_nothing_is_none(encoders):
    assert encoders.encode_sparse("the of") is None


def test_image_is_decoded_in_the_sandbox_and_encoded(encoders):
    vector = encoders.encode_image(png((200, 0, 0)))

    assert (vector.shape, vector.dtype) == ((3,), np.float32)
    assert vector == pytest.approx([1, 0, 0], abs=0.02)


def test_equal_images_give_equal_vectors(encoders):
    first, second = (encoders.encode_image(png((10, 200, 90))) for _ in range(2))

    assert (first == second).all()


def test_image_that_is_none_is_refused(encoders):
    with pytest.raises(UnsupportedMedia, match=r"query image"):
        encoders.encode_image(b"\x00\x01\x02 no picture")


def test_image_query_that_is_a_document_is_refused(encoders):
    with pytest.raises(UnsupportedMedia, match="found text/plain, expected image"):
        encoders.encode_image(b"just some words\n" * 20)


def test_image_beyond_the_limit_is_refused(encoders, sandbox):
    small = Encoders(MODELS, Device(), sandbox, MediaLimits(image_px=1000))

    with pytest.raises(MediaTooLarge):
        small.encode_image(png((0, 0, 0), (100, 100)))


def test_model_of_another_role_is_a_wrong_setting(encoders, sandbox):
    wrong = Encoders(
        {**MODELS, "embed_visual": MODELS["embed_text"]}, Device(), sandbox, MediaLimits()
    )

    with pytest.raises(ConfigurationError, match="no ImageEncoder"):
        wrong.encode_image(png((0, 0, 0)))


def test_sound_is_decoded_in_the_sandbox_and_encoded(encoders):
    (low,), (high,) = encoders.encode_audio(wav(2, 100)), encoders.encode_audio(wav(2, 4000))

    assert (low.shape, low.dtype) == ((2,), np.float32)
    assert low @ low == pytest.approx(1.0)
    assert high[1] > low[1]


def test_windows_of_the_first_minute_of_a_sound_are_encoded(encoders):
    (short,), long = encoders.encode_audio(wav(10, 500)), encoders.encode_audio(wav(90, 500))

    assert len(long) == MAX_SOUND_S / 10
    assert all(window == pytest.approx(short, abs=1e-3) for window in long)


def test_sound_that_is_silent_is_refused(encoders):
    with pytest.raises(UnreadableMedia, match="only silence"):
        encoders.encode_audio(wav(2, 100, peak=0.0))


def test_audio_query_that_is_an_image_is_refused(encoders):
    with pytest.raises(UnsupportedMedia, match="found image/png, expected audio"):
        encoders.encode_audio(png((0, 0, 0)))
