import numpy as np
import pytest

from demo.draw import View, draw, place
from demo.world import COLOURS, SHAPES, Scene, Shape


def _pixels_of(colour, image):
    far = np.abs(np.asarray(image).astype(int) - COLOURS[colour]).max(-1)
    return np.argwhere(far < 10)


@pytest.mark.parametrize("kind", SHAPES)
def test_every_shape_is_drawn_in_its_colour(kind):
    scene = Scene((Shape("large", "red", kind),), "in the middle")

    image = draw(place(scene, np.random.default_rng(0)), View(), (96, 96))

    assert len(_pixels_of("red", image)) > 100


def test_upper_shape_is_drawn_above_the_lower():
    scene = Scene((Shape("", "red", "circle"), Shape("", "blue", "square")), "above")

    image = draw(place(scene, np.random.default_rng(0)), View(), (120, 90))

    assert _pixels_of("red", image)[:, 0].max() < _pixels_of("blue", image)[:, 0].min()


def test_inner_shape_is_drawn_over_the_outer():
    scene = Scene((Shape("small", "white", "star"), Shape("large", "purple", "circle")), "inside")

    image = draw(place(scene, np.random.default_rng(0)), View(), (90, 120))

    assert len(_pixels_of("white", image)) > 20


def test_printed_words_stand_on_a_strip_below_the_scene():
    scene = Scene((Shape("", "black", "cross"),), "at the top")

    image = np.asarray(draw(place(scene, np.random.default_rng(0)), View(words="exit"), (200, 200)))

    assert image[180:].min() < 60
    assert np.median(image[180:]) == 255
