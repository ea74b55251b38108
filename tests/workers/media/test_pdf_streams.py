import zlib

import pytest

from schemas.errors import MediaTooLarge
from tests.hostile.documents import one_page, stream
from tests.hostile.images import deflated_zeros
from tests.workers.media.clips import media_file, written
from workers.media import pdf_streams
from workers.media.pdf_streams import check_streams

BOMB = deflated_zeros(500 << 20)


def check(content, tmp_path):
    check_streams(media_file(written(content, "a.pdf"), tmp_path, kind="document"))


@pytest.mark.parametrize(
    ("packed", "filters"),
    [
        (BOMB, b"/Filter/FlateDecode"),
        (zlib.compress(BOMB), b"/Filter [ /FlateDecode /FlateDecode ]"),
        (zlib.compress(zlib.compress(BOMB)), b"/Filter[/Fl/Fl/Fl]"),
    ],
)
def test_stream_that_unpacks_to_too_much_is_refused(packed, filters, tmp_path):
    with pytest.raises(MediaTooLarge, match=r"stream at byte \d+ unpacks to more than 419430400"):
        check(one_page(stream(packed, filters)), tmp_path)


@pytest.mark.parametrize(
    ("packed", "filters"),
    [
        (deflated_zeros(5 << 20), b"/Filter/FlateDecode"),
        (zlib.compress(zlib.compress(b"q Q")), b"/Filter[/FlateDecode/FlateDecode]"),
        (b"not packed at all", b"/Filter[/FlateDecode/FlateDecode/FlateDecode]"),
        (b"q Q", b""),
        (bytes(1 << 20), b"/Filter/DCTDecode"),
    ],
)
def test_other_streams_are_left_to_the_reader(packed, filters, tmp_path):
    check(one_page(stream(packed, filters)), tmp_path)


def test_small_streams_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf_streams, "_inflated", None)

    check(one_page(stream(deflated_zeros(100 << 20), b"/Filter/FlateDecode")), tmp_path)
