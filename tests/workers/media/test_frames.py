import tarfile
from functools import lru_cache
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from schemas.asset import ArtifactKind
from workers.media.frames import Candidate, FrameWriter, best, smaller
from workers.media.image_tar import encode_jpeg


@lru_cache
def _candidate(time_s: float, seed: int = 0, *, level: int = 255, contrast: int = 200) -> Candidate:
    low = max(0, level - contrast)
    noise = np.random.default_rng(seed).integers(low, max(low + 1, level), (36, 64))
    grey = noise.astype(np.uint8)
    image = Image.fromarray(grey).resize((640, 360))
    return Candidate(time_s, encode_jpeg(image.convert("RGB")), 640, 360, grey)


STAND_IN = _candidate(0.0, 99)


def _written(writer: FrameWriter, end_s: float):
    artifacts = writer.close(end_s, STAND_IN)
    return {
        kind: [image for a in artifacts if a.kind is kind for image in a.images]
        for kind in (ArtifactKind.KEYFRAMES, ArtifactKind.FRAMES, ArtifactKind.THUMBNAIL)
    }


def _fill(writer: FrameWriter, start_s: float, end_s: float, *, still: bool = False) -> None:
    for number in range(int((end_s - start_s) * 2)):
        time_s = start_s + number / 2
        writer.add(_candidate(time_s, 0 if still else int(time_s * 2)))
        writer.settle(time_s)


def test_each_shot_has_one_keyframe(tmp_path):
    writer = FrameWriter(tmp_path)
    _fill(writer, 0, 4)
    writer.cut(4.0, STAND_IN)
    _fill(writer, 4, 7)

    keyframes = _written(writer, 7.0)[ArtifactKind.KEYFRAMES]

    assert [(k.start_s, k.end_s) for k in keyframes] == [(0.0, 4.0), (4.0, 7.0)]
    assert all(k.start_s <= k.frame_s < k.end_s for k in keyframes)
    assert writer.shots == [{"start_s": 0.0, "end_s": 4.0}, {"start_s": 4.0, "end_s": 7.0}]


def test_a_long_shot_has_a_frame_for_every_five_seconds(tmp_path):
    writer = FrameWriter(tmp_path)
    _fill(writer, 0, 12)

    frames = _written(writer, 12.0)[ArtifactKind.FRAMES]

    assert [(f.start_s, f.end_s) for f in frames] == [(0, 5), (5, 10), (10, 12)]
    assert max(frames[0].width_px, frames[0].height_px) == 448


def test_a_still_picture_is_kept_once(tmp_path):
    writer = FrameWriter(tmp_path)
    _fill(writer, 0, 60, still=True)

    frames = _written(writer, 60.0)[ArtifactKind.FRAMES]

    assert [(f.start_s, f.end_s) for f in frames] == [(0, 60)]


def test_a_shot_too_short_for_a_candidate_takes_the_stand_in(tmp_path):
    writer = FrameWriter(tmp_path)
    _fill(writer, 0, 1)
    writer.cut(1.0, STAND_IN)

    keyframes = _written(writer, 1.2)[ArtifactKind.KEYFRAMES]

    assert [(k.start_s, k.end_s) for k in keyframes] == [(0.0, 1.0), (1.0, 1.2)]


def test_a_late_cut_takes_candidates_to_the_new_shot(tmp_path):
    writer = FrameWriter(tmp_path)
    for time_s in (0.0, 0.5, 1.0, 1.5):
        writer.add(_candidate(time_s, int(time_s * 2)))
    # When the cut at 1 s is known only at 1.5 s
    writer.cut(1.0, STAND_IN)

    keyframes = _written(writer, 2.0)[ArtifactKind.KEYFRAMES]

    assert keyframes[0].frame_s < 1.0 <= keyframes[1].frame_s


def test_parts_follow_the_clock(tmp_path):
    writer = FrameWriter(tmp_path)
    for number in range(13):
        writer.add(_candidate(number * 100.0, number))
        writer.cut(number * 100.0 + 100, STAND_IN)

    artifacts = writer.close(1300.5, STAND_IN)

    parts = [a for a in artifacts if a.kind is ArtifactKind.KEYFRAMES]
    assert [a.part for a in parts] == [0, 1, 2]
    assert [a.images[0].start_s for a in parts] == [0, 600, 1200]
    assert all(tarfile.is_tarfile(a.path) for a in parts)


def test_memory_does_not_grow_with_a_shot(tmp_path):
    writer = FrameWriter(tmp_path)
    _fill(writer, 0, 100)

    assert len(writer._kept) <= 8
    assert len(writer._waiting) <= 12
    writer.release()


def test_thumbnail_shows_the_first_shot_that_is_not_black(tmp_path):
    writer = FrameWriter(tmp_path)
    writer.add(_candidate(0.0, level=3, contrast=3))
    writer.cut(3.0, STAND_IN)
    writer.add(_candidate(4.0, 5))
    writer.cut(6.0, STAND_IN)
    writer.add(_candidate(7.0, 6))

    artifacts = writer.close(9.0, STAND_IN)

    [thumbnail] = [a for a in artifacts if a.kind is ArtifactKind.THUMBNAIL]
    assert thumbnail.images[0].frame_s == 4.0
    with Image.open(thumbnail.path) as image:
        assert max(image.size) == 320


def test_thumbnail_of_a_black_video_is_black(tmp_path):
    writer = FrameWriter(tmp_path)
    writer.add(_candidate(0.0, level=3, contrast=3))

    assert len(_written(writer, 5.0)[ArtifactKind.THUMBNAIL]) == 1


def test_a_late_start_is_where_the_first_shot_begins(tmp_path):
    writer = FrameWriter(tmp_path)
    writer.start(30.0)
    writer.add(_candidate(30.0))
    writer.settle(30.0)

    [keyframe] = _written(writer, 31.0)[ArtifactKind.KEYFRAMES]

    assert (keyframe.start_s, keyframe.end_s) == (30.0, 31.0)


def test_best_prefers_sharp_then_central():
    sharp, dull = _candidate(1.0, 1), _candidate(2.0, 2, contrast=20)
    edge, middle = _candidate(0.0, 3), _candidate(2.0, 3)

    assert best([dull, sharp], 0.0, 4.0) is sharp
    assert best([edge, middle], 0.0, 4.0) is middle


def test_sharpness_of_a_line_is_none():
    assert Candidate(0.0, b"", 1, 1, np.zeros((1, 1), np.uint8)).sharpness == 0.0


@pytest.mark.parametrize(("edge_px", "size"), [(2000, (640, 360)), (100, (100, 56))])
def test_smaller_never_enlarges(edge_px, size):
    jpeg, width_px, height_px = smaller(_candidate(0.0), edge_px)

    assert (width_px, height_px) == size
    assert Image.open(BytesIO(jpeg)).size == size
