import pytest

from workers.media.signatures import find_signature, has_mpeg_frame, skip_id3


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "image/bmp"),
        (b"BM" + bytes(12) + b"\x29\0\0\0", None),
        (b"\0\0\x01\0\x02\0", "image/x-icon"),
        (b"\0\0\x01\0\0\0", None),
        (b"P5\n# made by hand\n4 4\n255\n", "image/x-portable-anymap"),
        (b"P1 is the first of our priorities", None),
        (b"garbage" * 100 + b"%PDF-1.4", "application/pdf"),
        (b"garbage" * 200 + b"%PDF-1.4", None),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xfb\xf0\x64", None),
        (b"\xff\xeb\x90\x64", None),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\xff", None),
        ((b"\x47" + bytes(187)) * 4, "video/mp2t"),
        ((b"\0\0\0\0\x47" + bytes(187)) * 4, "video/mp2t"),
        (b"\x47" + bytes(800), None),
        (bytes(257) + b"ustar", "application/x-tar"),
        (b"", None),
    ],
)
def test_find_signature_names_one_format_or_none(head, expected):
    assert find_signature(head) == expected


def test_skip_id3_reads_seven_bits_of_each_byte():
    assert skip_id3(b"ID3\x04\0\0\0\0\x01\x01") == 10 + 129


@pytest.mark.parametrize("head", [b"ID3", b"fLaC" + bytes(20)])
def test_skip_id3_finds_no_tag(head):
    assert skip_id3(head) == 0


def test_has_mpeg_frame_looks_everywhere():
    assert has_mpeg_frame(b"\x12\x34\xff\xfb\x90\x64")
    assert not has_mpeg_frame(b"\x12\x34\xff\xff\xff\xff")
