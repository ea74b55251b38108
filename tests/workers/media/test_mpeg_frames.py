import pytest

from workers.media.mpeg_frames import read_frame


@pytest.mark.parametrize(
    ("head", "n_bytes", "duration_s"),
    [
        ("fffb9064", 417, 1152 / 44_100),  # MPEG 1, layer III, 128 kbit/s
        ("fffb9264", 418, 1152 / 44_100),  # the same, padded
        ("fff384c4", 192, 576 / 24_000),  # MPEG 2, layer III, 64 kbit/s
        ("ffe38864", 576, 576 / 8_000),  # MPEG 2.5
        ("fffd8404", 384, 1152 / 48_000),  # layer II
        ("ffff8804", 384, 384 / 32_000),  # layer I
    ],
)
def test_a_header_tells_how_long_its_frame_is(head, n_bytes, duration_s):
    frame = read_frame(bytes.fromhex(head))

    assert (frame.n_bytes, frame.duration_s) == (n_bytes, duration_s)


@pytest.mark.parametrize(
    "head", ["", "fffb", "00000000", "fffbf064", "fffb9c64", "fff99064", "ffeb9064", "fffb0064"]
)
def test_other_bytes_are_no_header(head):
    assert read_frame(bytes.fromhex(head)) is None


def test_frames_of_one_stream_differ_in_their_bit_rate_alone():
    frame, faster, other = (
        read_frame(bytes.fromhex(head)) for head in ("fffb9064", "fffba064", "fff384c4")
    )

    assert frame.is_like(faster)
    assert not frame.is_like(other)
