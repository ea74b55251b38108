import numpy as np
import pytest

from infra.settings import MediaLimits
from schemas.asset import ArtifactKind
from schemas.errors import MediaTooLarge
from workers.media.moving_pictures import MovingPictures


def _frame(level: int) -> np.ndarray:
    return np.full((36, 64, 3), level, np.uint8)


def test_shots_and_rate_are_known_at_the_end(tmp_path):
    pictures = MovingPictures(tmp_path, 10.0, MediaLimits())
    for number in range(40):
        pictures.see(number / 10, _frame(40 if number < 20 else 200))

    artifacts = pictures.close(4.0)

    assert (pictures.n_frames, pictures.first_s, pictures.last_s) == (40, 0.0, 3.9)
    assert pictures.fps == pytest.approx(10.0)
    assert [s["start_s"] for s in pictures.shot_facts["shots"]] == [0.0, 2.0]
    # Without a candidate the first picture of each shot stands for it.
    [keyframes] = [a.images for a in artifacts if a.kind is ArtifactKind.KEYFRAMES]
    assert [image.frame_s for image in keyframes] == [0.0, 2.0]


def test_without_a_picture_there_is_nothing(tmp_path):
    pictures = MovingPictures(tmp_path, None, MediaLimits())
    pictures.keep(0.0, b"", (1, 1))

    assert pictures.close(0.0) == []
    pictures.release()


@pytest.mark.parametrize("limits", [{"duration_s": 2.0}, {"n_frames": 20}])
def test_limits_hold(limits, tmp_path):
    pictures = MovingPictures(tmp_path, 10.0, MediaLimits(**limits))

    for number in range(20):
        pictures.see(number / 10, _frame(40))
    with pytest.raises(MediaTooLarge, match="which is the limit"):
        pictures.see(2.1, _frame(40))
    pictures.release()
