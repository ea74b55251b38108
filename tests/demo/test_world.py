import numpy as np
import pytest

from demo.world import (
    VOCABULARY,
    Scene,
    Shape,
    distinct_scenes,
    near_miss,
    random_scene,
    random_sentence,
)


def test_vocabulary_has_sixty_words_and_more():
    assert len(VOCABULARY) >= 60


def test_sentences_use_only_the_vocabulary():
    rng = np.random.default_rng(1)

    words = {word for _ in range(500) for word in random_sentence(rng).split()}

    assert words <= set(VOCABULARY)


def test_captions_use_only_the_vocabulary():
    scenes = distinct_scenes(np.random.default_rng(2), 300)

    told = [*(s.caption for s in scenes), *(s.mirrored_caption for s in scenes)]

    assert {word for caption in told for word in caption.split()} <= set(VOCABULARY)


def test_distinct_scenes_have_distinct_captions():
    scenes = distinct_scenes(np.random.default_rng(3), 500)

    assert len({scene.caption for scene in scenes}) == 500


def test_scene_is_the_same_for_the_same_seed():
    assert random_scene(np.random.default_rng(4)) == random_scene(np.random.default_rng(4))


@pytest.mark.parametrize(
    ("relation", "caption", "mirrored"),
    [
        (
            "above",
            "a red circle above a large orange star",
            "a large orange star below a red circle",
        ),
        (
            "left of",
            "a red circle left of a large orange star",
            "a large orange star right of a red circle",
        ),
    ],
)
def test_caption_of_a_pair_can_be_told_from_both_sides(relation, caption, mirrored):
    scene = Scene((Shape("", "red", "circle"), Shape("large", "orange", "star")), relation)

    assert (scene.caption, scene.mirrored_caption) == (caption, mirrored)


def test_phrase_of_an_orange_shape_takes_an():
    assert Shape("", "orange", "moon").phrase == "an orange moon"


def test_near_miss_has_another_caption():
    rng = np.random.default_rng(5)
    scenes = distinct_scenes(rng, 100)

    assert all(near_miss(rng, scene).caption != scene.caption for scene in scenes)
