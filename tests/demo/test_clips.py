import av
import numpy as np

from demo.clips import Shot, _srt, random_shots, write_clip
from demo.world import Scene, Shape, distinct_scenes

STAR = Scene((Shape("large", "red", "star"),), "in the middle")
BLUE = Scene((Shape("large", "blue", "star"),), "in the middle")


def test_clip_shows_its_shots_one_after_the_other(tmp_path):
    path = tmp_path / "clip.mp4"
    shots = [Shot(STAR, 1.0), Shot(BLUE, 1.5)]

    truth = write_clip(path, shots, np.random.default_rng(0))

    with av.open(str(path)) as clip:
        pictures = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert [(s["start_s"], s["end_s"]) for s in truth["shots"]] == [(0.0, 1.0), (1.0, 2.5)]
    assert len(pictures) == 30
    assert pictures[6][180, 240].argmax() == 0
    assert pictures[20][180, 240].argmax() == 2


def test_shot_changes_at_two_thirds(tmp_path):
    path = tmp_path / "clip.mp4"

    truth = write_clip(path, [Shot(STAR, 1.5, becomes=BLUE)], np.random.default_rng(0))

    with av.open(str(path)) as clip:
        pictures = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert truth["shots"][0]["change"] == {"at_s": 1.0, "caption": BLUE.caption}
    assert pictures[10][180, 240].argmax() == 0
    assert pictures[14][180, 240].argmax() == 2


def test_random_shots_show_the_given_scenes():
    rng = np.random.default_rng(0)
    scenes = distinct_scenes(rng, 3)

    shots = random_shots(rng, scenes)

    assert [shot.scene for shot in shots] == scenes
    assert all(3 <= shot.duration_s <= 5 for shot in shots)


def test_subtitles_carry_the_narration():
    assert _srt([{"start_s": 1.5, "end_s": 62.25, "text": "a red star"}]) == (
        "1\n00:00:01,500 --> 00:01:02,250\na red star\n"
    )
