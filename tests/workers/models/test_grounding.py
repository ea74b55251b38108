import numpy as np
import pytest

from schemas.stages import Background
from tests.factories import make_model
from workers.models.grounding import Judge, load_judge, share_below
from workers.models.roles import ImageEncoder


class Angles(ImageEncoder):
    """Images and texts are angles in degrees."""

    def embed_images(self, images):
        radians = np.radians(np.array(images, np.float32))
        return np.stack([np.cos(radians), np.sin(radians)], 1)

    embed_texts = embed_images


@pytest.mark.parametrize(("cosine", "share"), [(0.1, 0.5), (0.3, 0.9772), (-0.1, 0.0228)])
def test_share_below_is_that_of_a_normal_distribution(cosine, share):
    assert share_below(cosine, Background(mean=0.1, std=0.1)) == pytest.approx(share, abs=1e-4)


def test_judge_scores_each_caption_with_its_own_image(cpu):
    judge = Judge(Angles(make_model(), cpu), Background(mean=0.0, std=0.5))

    near, far = judge.score([0, 0], [10, 120])

    assert near > 0.97
    assert far < 0.17


@pytest.mark.parametrize(
    "model",
    [
        None,
        make_model(random_weights=True, background=Background(mean=0, std=1)),
        make_model(background=None),
    ],
    ids=["absent", "untrained", "unmeasured"],
)
def test_nobody_judges_without_a_trained_and_measured_model(model, cpu):
    assert load_judge(model, cpu) is None
