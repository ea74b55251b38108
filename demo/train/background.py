"""How alike a trained model finds texts and media that do not belong together."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.draw import draw_scene
from demo.sounds import SAMPLING_RATE
from demo.train import clap
from demo.world import distinct_scenes
from schemas.stages import Background, ModelRef
from workers.device import Device
from workers.media.image_tar import encode_jpeg
from workers.models.loading import load_model
from workers.models.roles import AudioEncoder, Embeddings, ImageEncoder

_N_SCENES = 256
_SIZE_PX = (320, 240)
_SEED = 77
_BATCH = 32


def of_images(folder: Path) -> Background:
    """Measure a SigLIP checkpoint on scenes and the captions of other scenes."""
    rng = np.random.default_rng(_SEED)
    model = load_model(_ref(folder, "siglip"), Device(), ImageEncoder)
    scenes = distinct_scenes(rng, _N_SCENES)
    jpegs = [encode_jpeg(draw_scene(scene, rng, _SIZE_PX)) for scene in scenes]
    pixels = [model.read_pixels(jpeg) for jpeg in jpegs]
    images = np.concatenate(
        [model.embed_images(pixels[i : i + _BATCH]) for i in range(0, len(pixels), _BATCH)]
    )
    texts = model.embed_texts([scene.caption for scene in scenes])
    return _mismatched(images, texts, np.eye(len(scenes), dtype=bool))


def of_sounds(folder: Path) -> Background:
    """Measure a CLAP checkpoint on windows of sound and names of what is not in them."""
    rng = np.random.default_rng(_SEED)
    model = load_model(_ref(folder, "clap"), Device(), AudioEncoder)
    windows = [clap.make_window(rng) for _ in range(_N_SCENES)]
    length = clap.WINDOW_S * SAMPLING_RATE
    features = [model.extract_features(samples[:length]) for samples, _ in windows]
    sounds = np.concatenate(
        [model.embed_audio(features[i : i + _BATCH]) for i in range(0, len(features), _BATCH)]
    )
    names = [(kind,) for kind in clap.NAMED_KINDS]
    texts = model.embed_texts([name[0] for name in names])
    belongs = np.array([[clap.holds(name, heard) for name in names] for _, heard in windows])
    return _mismatched(sounds, texts, belongs)


def _ref(folder: Path, family: str) -> ModelRef:
    return ModelRef(source=str(folder), revision="trained", family=family)


def _mismatched(media: Embeddings, texts: Embeddings, belongs: NDArray[np.bool_]) -> Background:
    """Mean and spread of the cosines, shape (n_media, n_texts), of pairs that do not belong."""
    cosines = (media @ texts.T)[~belongs]
    return Background(mean=float(cosines.mean()), std=float(cosines.std()))
