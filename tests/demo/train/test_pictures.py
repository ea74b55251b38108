import numpy as np
from PIL import Image

from demo.train.pictures import COLOUR_NAMES, EDGE_PX, PATCH_PX, SIZE_NAMES, pixels, see
from demo.world import SHAPES, Scene, Shape

N = EDGE_PX // PATCH_PX


def test_truth_names_the_shape_where_it_is():
    scene = Scene((Shape("large", "red", "star"),), "on the left")

    truth = see(scene, np.random.default_rng(0)).truth.reshape(N, N, 3)

    name = [COLOUR_NAMES.index("red"), SHAPES.index("star"), SIZE_NAMES.index("large")]
    assert (truth[:, : N // 2].reshape(-1, 3).max(0) == np.array(name) + 1).all()
    assert (truth[:, N // 2 + 1 :] == 0).all()


def test_every_shape_of_a_scene_is_in_the_truth():
    scene = Scene((Shape("small", "red", "moon"), Shape("large", "blue", "circle")), "inside")

    for seed in range(20):
        colours = set(see(scene, np.random.default_rng(seed)).truth[:, 0].tolist())
        assert colours == {0, COLOUR_NAMES.index("red") + 1, COLOUR_NAMES.index("blue") + 1}


def test_pixels_are_scaled_to_one_size_and_range():
    images = [Image.new("RGB", (40, 20), "white"), Image.new("RGB", (20, 40), "black")]

    tensor = pixels(images, Image.Resampling.BICUBIC)

    assert tensor.shape == (2, 3, EDGE_PX, EDGE_PX)
    assert (tensor[0] == 1).all()
    assert (tensor[1] == -1).all()
