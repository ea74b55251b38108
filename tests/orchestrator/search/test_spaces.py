import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from infra.vectors.store import Space, Sparse
from orchestrator.search.spaces import FLOOR_STD, probes, space_weights
from schemas.search import Filter, Query
from schemas.stages import Background
from tests.orchestrator.search.factories import make_models

TEXT, SPARSE_TEXT, VISUAL, AUDIO = (
    Space(name="text", fingerprint="f", embedding_dim=2),
    Space(name="text", fingerprint="f", embedding_dim=2, has_sparse=True),
    Space(name="visual", fingerprint="f", embedding_dim=2),
    Space(name="audio", fingerprint="f", embedding_dim=2),
)
MODELS = make_models()


@dataclass
class Axes:
    """Text points along x, images and sounds along y."""

    asked: list[str] = field(default_factory=list)
    sparse: Sparse | None = None

    def encode_text(self, space, text):
        self.asked.append(f"{space}: {text}")
        return np.array([1, 0], np.float32)

    def encode_sparse(self, _text):
        return self.sparse

    def encode_image(self, data):
        return np.array([-1, 0] if data == b"opposite" else [0, 1], np.float32)

    def encode_audio(self, _data):
        return [np.array([0, 1], np.float32)]


def test_space_weights_of_text_ask_all_spaces():
    weights = space_weights(Query(text="a dog"), make_models())

    assert weights == {"text": 1.0, "visual": 1.0, "audio": 1.0}


def test_space_weights_of_text_leave_out_untrained_models():
    weights = space_weights(Query(text="a dog"), make_models("embed_visual", "embed_audio"))

    assert weights == {"text": 1.0}


@pytest.mark.parametrize(("given", "space"), [("image", "visual"), ("audio", "audio")])
def test_space_weights_of_media_alone_ask_even_an_untrained_model(given, space):
    weights = space_weights(Query(**{given: b"x"}), make_models("embed_visual", "embed_audio"))

    assert weights == {space: 1.0}


def test_space_weights_of_image_and_text_share_out():
    query = Query(text="a dog", image=b"x", weight_image=0.75)

    assert space_weights(query, make_models()) == {"visual": 1.0, "text": 0.25, "audio": 0.25}


def test_space_weights_of_an_image_that_counts_alone_ask_no_other_space():
    query = Query(text="a dog", image=b"x", weight_image=1.0)

    assert space_weights(query, make_models()) == {"visual": 1.0}


def test_space_weights_of_blank_text_ask_nothing():
    assert space_weights(Query(text="  "), make_models()) == {}


@pytest.mark.parametrize(
    ("stage", "spaces"),
    [("ocr", {"text"}), ("embed_text", {"text"}), ("embed_audio", {"audio"}), ("none", set())],
)
def test_space_weights_follow_the_stage_that_is_asked_for(stage, spaces):
    query = Query(text="a dog", filter=Filter(stage=stage))

    assert set(space_weights(query, make_models())) == spaces


def test_probes_of_text_are_dense_and_sparse_in_the_text_space():
    encoder = Axes(sparse=Sparse([7], [1.0]))

    names = [probe.name for probe in probes(Query(text="dog"), SPARSE_TEXT, encoder, MODELS)]

    assert names == [("text", "dense"), ("text", "bm25")]


@pytest.mark.parametrize(
    ("space", "sparse"), [(TEXT, Sparse([7], [1.0])), (SPARSE_TEXT, None)], ids=["space", "words"]
)
def test_probes_without_sparse_vectors_or_words_are_dense_only(space, sparse):
    names = [probe.name for probe in probes(Query(text="of"), space, Axes(sparse=sparse), MODELS)]

    assert names == [("text", "dense")]


@pytest.mark.parametrize(
    ("weight", "expected"), [(0.0, [1, 0]), (0.5, [0.7071, 0.7071]), (1.0, [0, 1])]
)
def test_probes_of_image_and_text_mix_by_weight(weight, expected):
    query = Query(text="dog", image=b"x", weight_image=weight)

    (probe,) = probes(query, VISUAL, Axes(), MODELS)

    assert probe.vector == pytest.approx(expected, abs=1e-4)


def test_probes_of_an_image_need_no_text_model():
    encoder = Axes()

    (probe,) = probes(Query(image=b"x"), VISUAL, encoder, MODELS)

    assert (probe.vector.tolist(), encoder.asked) == ([0, 1], [])


def test_probes_of_opposites_let_the_image_decide():
    (probe,) = probes(Query(text="dog", image=b"opposite"), VISUAL, Axes(), MODELS)

    assert probe.vector.tolist() == [-1, 0]


def test_probes_of_sound_and_text_ask_the_audio_space_by_sound():
    query = Query(text="dog", audio=b"x")

    (heard,) = probes(query, AUDIO, Axes(), MODELS)
    (seen,) = probes(query, VISUAL, Axes(), MODELS)

    assert (heard.vector.tolist(), seen.vector.tolist()) == ([0, 1], [1, 0])


def test_probes_of_text_say_from_where_an_image_answers():
    model = MODELS["embed_visual"].model_copy(update={"background": Background(mean=0.1, std=0.02)})

    (probe,) = probes(Query(text="dog"), VISUAL, Axes(), MODELS | {"embed_visual": model})

    assert probe.floor == pytest.approx(0.1 + FLOOR_STD * 0.02)


def test_probes_of_images_and_of_unmeasured_models_have_no_floor():
    (by_image,) = probes(Query(image=b"x"), VISUAL, Axes(), MODELS)
    (by_text,) = probes(Query(text="dog"), VISUAL, Axes(), MODELS)

    assert by_image.floor == by_text.floor == -math.inf
