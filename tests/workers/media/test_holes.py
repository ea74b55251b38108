import random

import pytest

from tests.workers.media.clips import TONE, clip, written
from workers.media.holes import find_holes

_AVI = (
    "-f lavfi -i sine=d=3 -f lavfi -i testsrc2=s=64x48:r=10:d=3 -map 0 -map 1 "
    "-c:a pcm_s16le -c:v mjpeg"
)
#: 3 s each; the AVI with its sound first.
_FILES = {
    "audio/mpeg": (f"{TONE} -b:a 64k", "hole.mp3"),
    "video/x-msvideo": (_AVI, "hole.avi"),
}


def _holes(mime_type, damage):
    whole = clip(*_FILES[mime_type]).read_bytes()
    return find_holes(written(damage(whole), "damaged.bin"), mime_type)


def _overwritten(whole: bytes, by: bytes) -> bytes:
    start = len(whole) // 2
    return whole[:start] + by + whole[start + len(by) :]


@pytest.mark.parametrize("mime_type", _FILES)
def test_a_whole_file_has_no_holes(mime_type):
    assert _holes(mime_type, bytes) == []


@pytest.mark.parametrize("mime_type", _FILES)
@pytest.mark.parametrize("kind", ["zeros", "noise"])
def test_a_hole_is_told_with_its_time(mime_type, kind):
    def damage(whole):
        n_bytes = len(whole) // 5
        noise = random.Random(1).randbytes(n_bytes)
        return _overwritten(whole, bytes(n_bytes) if kind == "zeros" else noise)

    [failure] = _holes(mime_type, damage)

    assert failure.locator.start_s == failure.locator.end_s == pytest.approx(1.4, abs=0.4)
    assert "bytes that are of no packet" in failure.message


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole + bytes(50_000),
        lambda whole: bytes(3_000) + whole,
        lambda whole: whole + b"TAG" + bytes(125),
        lambda whole: whole + b"ID3\4\0\0\0\0\7\x68" + bytes(1_000) + whole,
        lambda whole: _overwritten(whole, b"x" * 50),
    ],
    ids=["garbage behind", "garbage before", "tag", "two files in one", "a click"],
)
def test_what_costs_no_sound_is_no_hole(damage):
    assert _holes("audio/mpeg", damage) == []


@pytest.mark.parametrize("mime_type", [*_FILES, "audio/flac"])
@pytest.mark.parametrize("content", [b"", b"RIFF", bytes(5_000), b"\xff" * 5_000, b"movi" * 99])
def test_files_of_anything_are_looked_at_to_their_end(mime_type, content):
    assert find_holes(written(content, "junk.bin"), mime_type) == []
