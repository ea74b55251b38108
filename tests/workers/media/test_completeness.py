import struct

import pytest

from infra.settings import MediaLimits
from tests.workers.media.clips import TONE, clip, written
from workers.media.completeness import find_cut
from workers.media.read import read_object

_CLIP = "-f lavfi -i testsrc=s=160x120:r=10:d=2 -c:v mpeg4"
WHOLE = {
    "audio/wav": lambda: clip(TONE, "tone.wav"),
    "audio/ogg": lambda: clip(f"{TONE} -c:a libvorbis", "tone.ogg"),
    "audio/mpeg": lambda: clip(f"{TONE} -c:a libmp3lame", "tone.mp3"),
    "video/x-msvideo": lambda: clip(_CLIP, "clip.avi"),
    "video/mp2t": lambda: clip("-f lavfi -i testsrc=s=160x120:r=10:d=2 -c:v mpeg2video", "clip.ts"),
}


@pytest.mark.parametrize("mime_type", WHOLE)
def test_whole_file_is_not_cut(mime_type):
    assert find_cut(WHOLE[mime_type](), mime_type) is None


@pytest.mark.parametrize("mime_type", WHOLE)
def test_cut_file_says_what_was_found_and_expected(mime_type):
    content = WHOLE[mime_type]().read_bytes()
    path = written(content[: len(content) * 2 // 3 + 1], "cut")

    assert "found" in (find_cut(path, mime_type) or "")


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF0])
def test_wav_that_was_piped_is_whole(size):
    path = written(b"RIFF" + struct.pack("<I", size) + b"WAVE" + bytes(100), "piped.wav")

    assert find_cut(path, "audio/wav") is None


def test_garbage_behind_the_last_page_of_an_ogg_is_no_cut():
    content = WHOLE["audio/ogg"]().read_bytes()

    assert find_cut(written(content + bytes(1000), "long.ogg"), "audio/ogg") is None


def test_ogg_that_ends_between_pages_is_cut():
    content = WHOLE["audio/ogg"]().read_bytes()
    path = written(content[: content.rfind(b"OggS")], "pages.ogg")

    assert find_cut(path, "audio/ogg") == "found no last page of the Ogg stream"


def test_mp3_without_a_count_is_taken_as_it_is():
    assert find_cut(written(b"\xff\xfb\x90\x00" * 100, "plain.mp3"), "audio/mpeg") is None


def test_other_containers_are_the_decoders_business():
    assert find_cut(written(b"x", "x.mp4"), "video/mp4") is None


@pytest.mark.parametrize("mime_type", WHOLE)
def test_cut_file_is_read_to_its_end_and_the_rest_is_a_failure(mime_type, tmp_path):
    whole = WHOLE[mime_type]()
    content = whole.read_bytes()
    path = written(content[: len(content) * 2 // 3 + 1], f"cut{whole.suffix}")

    prepared = read_object(path, path.name, tmp_path, MediaLimits())

    failure = prepared.failures[0]
    assert prepared.facts.duration_s > 1.0
    assert "the rest is missing" in failure.message
    assert failure.locator.start_s == prepared.facts.duration_s


@pytest.mark.parametrize("name", ["t.flac", "t.ogg", "t.m4a"])
def test_sound_that_is_damaged_in_the_middle_names_the_time(name, tmp_path):
    whole = clip("-f lavfi -i sine=d=12:r=44100", name)
    content = bytearray(whole.read_bytes())
    start, end = len(content) // 3, len(content) // 2
    content[start:end] = bytes(end - start)

    prepared = read_object(written(content, f"hole-{name}"), name, tmp_path, MediaLimits())

    [failure] = prepared.failures
    assert "sound are missing" in failure.message
    assert 2.0 < failure.locator.start_s < 5.0
    assert 5.0 < failure.locator.end_s < 8.0
