from io import BytesIO

import pytest
from PIL import Image

from infra.ffmpeg import has_filter
from schemas.asset import ArtifactKind
from tests.workers.media.clips import clip, media_file
from workers.media.image_tar import read_images
from workers.media.video import read_video

needs_zimg = pytest.mark.skipif(not has_filter("zscale"), reason="this ffmpeg lacks zimg")


def _plain(level: int, curve: str) -> str:
    """Half a second of one grey: `level` of 10 bits, limited range."""
    colours = f"setparams=color_trc={curve}:color_primaries=bt2020:colorspace=bt2020nc"
    grey = f"format=yuv420p10le,geq=lum={level}:cb=512:cr=512"
    return f"-f lavfi -i color=s=160x90:r=10:d=0.5,{grey},{colours} -c:v libx264 -qp 0"


def _shown(path, scratch) -> tuple[int, str | None]:
    prepared = read_video(media_file(path, scratch))
    [artifact] = [a for a in prepared.artifacts if a.kind is ArtifactKind.KEYFRAMES]
    [(_, jpeg)] = read_images(artifact.path, artifact.images)
    return Image.open(BytesIO(jpeg)).convert("L").getpixel((80, 45)), prepared.facts.extra.get(
        "hdr"
    )


@needs_zimg
@pytest.mark.parametrize(
    ("curve", "level", "least", "most"),
    [
        # White of ordinary displays, 203 cd/m2; then a highlight, a shadow and black.
        ("smpte2084", 573, 140, 200),
        ("smpte2084", 855, 240, 255),
        ("smpte2084", 195, 5, 30),
        ("smpte2084", 64, 0, 3),
        ("arib-std-b67", 721, 140, 200),
        ("arib-std-b67", 940, 215, 255),
    ],
)
def test_high_dynamic_range_is_shown_as_displays_do(curve, level, least, most, tmp_path):
    grey, hdr = _shown(clip(_plain(level, curve), f"{curve}.mkv"), tmp_path)

    assert least <= grey <= most
    assert hdr == curve


def test_ordinary_video_of_10_bits_is_left_as_it_is(tmp_path):
    grey, hdr = _shown(clip(_plain(502, "bt709"), "bt709.mkv"), tmp_path)

    assert grey == pytest.approx(127, abs=3)
    assert hdr is None
