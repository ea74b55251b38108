from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from schemas.asset import ArtifactKind
from tests.workers.media.clips import DATA, MOVING, clip, media_file, written
from tests.workers.media.tiny_pgs import pgs
from workers.media.bitmap_subtitles import read_bitmap_subtitles
from workers.media.image_tar import read_images
from workers.media.streams import probe
from workers.media.video import read_video

_LINES = [(1.0, 2.5, "First words"), (3.0, 4.0, "Second words"), (6.0, 7.0, "Third")]


def _film(*lines):
    text = written(pgs(*lines), "lines.sup")
    return clip(
        f"-i {clip(MOVING, 'moving.mp4')} -itsoffset {lines[0][0]} -i {text} -map 0 -map 1 -c copy",
        f"film-{len(lines)}.mkv",
    )


def _pictures(artifacts):
    return [
        (member, Image.open(BytesIO(jpeg)))
        for artifact in artifacts
        if artifact.kind is ArtifactKind.SCANS
        for member, jpeg in read_images(artifact.path, artifact.images)
    ]


def test_each_subtitle_is_a_picture_with_its_times(tmp_path):
    pictures = _pictures(read_video(media_file(_film(*_LINES), tmp_path)).artifacts)

    assert [(m.start_s, m.end_s) for m, _ in pictures] == [(1.0, 2.5), (3.0, 4.0), (6.0, 7.0)]
    assert all(member.page is None for member, _ in pictures)
    for _, picture in pictures:
        ink = np.asarray(picture.convert("L"))
        assert ink[0, 0] > 240  # white around, and without the outline's box
        assert (ink < 60).mean() > 0.02


def test_pictures_are_cut_into_parts(tmp_path):
    lines = [(n + 0.0, n + 0.5, f"Line {n}") for n in range(40)]

    media = media_file(_film(*lines), tmp_path)
    artifacts = read_bitmap_subtitles(media, probe(media.path, max_px=1 << 27))

    assert [(a.part, len(a.images)) for a in artifacts] == [(0, 32), (1, 8)]


def test_pictures_of_a_file_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr("workers.media.bitmap_subtitles._N_PICTURES", 2)

    artifacts = read_video(media_file(_film(*_LINES), tmp_path)).artifacts

    assert len(_pictures(artifacts)) == 2


def test_a_film_without_such_subtitles_has_no_scans(tmp_path):
    artifacts = read_video(media_file(clip(MOVING, "moving.mp4"), tmp_path)).artifacts

    assert _pictures(artifacts) == []


@pytest.mark.parametrize(
    "name", ["mkv_sample_with_pgs_subtitles.mkv", "mp4_sample_with_vobsub.mp4"]
)
def test_known_subtitles_are_drawn(name, tmp_path):
    path = DATA / "video/androidx" / name
    if not path.exists():
        pytest.skip("needs the shared videos")

    [(member, picture)] = _pictures(read_video(media_file(path, tmp_path)).artifacts)

    assert (member.start_s, member.end_s) == pytest.approx((0.0, 1.23), abs=0.02)
    assert picture.width > 8 * picture.height
