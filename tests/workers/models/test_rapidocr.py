import re
import socket
from concurrent.futures import ThreadPoolExecutor
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from schemas.errors import UnreadableMedia
from schemas.segment import Box
from workers.media.image_tar import encode_jpeg
from workers.models.line_finder import FoundLines, turn_back
from workers.models.loading import load_model
from workers.models.rapidocr import to_logical_order, to_text_lines
from workers.models.roles import TextReader

SCANS = Path(__file__).parents[3] / "../shared/data/document/ocr-scan"


@pytest.fixture(scope="module")
def reader(demo_models):
    from workers.device import Device

    return load_model(demo_models["ocr"], Device("cpu"), TextReader)


def page(*lines, size=(640, 300)):
    image = Image.new("RGB", size, "white")
    for i, text in enumerate(lines):
        ImageDraw.Draw(image).text((60, 50 + 70 * i), text, "black", ImageFont.load_default(36))
    return image


def read(reader, image):
    return reader.read_lines(reader.decode(encode_jpeg(image)))


def test_reader_reads_lines_in_order_with_their_boxes(reader):
    first, second = read(reader, page("Invoice 4711", "Total 12.50 EUR"))

    assert (first.text, second.text) == ("Invoice 4711", "Total 12.50 EUR")
    assert min(first.confidence, second.confidence) > 0.9
    assert tuple(first.box) == pytest.approx((60 / 640, 55 / 300, 270 / 640, 92 / 300), abs=0.05)


@pytest.mark.parametrize("n_turns", [1, 2, 3])
def test_reader_reads_pages_that_do_not_stand_upright(reader, n_turns):
    lines = ["Invoice 4711", "Total 12.50 EUR", "Thank you very much"]
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(np.asarray(page(*lines)), -n_turns)))

    found = read(reader, turned)

    assert [line.text for line in found] == lines
    upright = read(reader, page(*lines))
    for line, expected in zip(found, upright, strict=True):
        box = turn_back(expected.box, n_turns)
        assert tuple(line.box) == pytest.approx(tuple(box), abs=0.02)


@pytest.mark.parametrize("shape", [(300, 400, 3), (10, 12, 3), (40, 900, 3), (900, 20, 3)])
def test_reader_finds_nothing_where_nothing_is(reader, shape):
    assert reader.read_lines(np.full(shape, 255, np.uint8)) == []


def test_reader_reads_a_strip(reader):
    (line,) = read(reader, page("Narrow", size=(900, 110)).crop((0, 45, 900, 100)))

    assert line.text == "Narrow"
    assert line.box.y0 < 0.3
    assert line.box.y1 > 0.6


def test_arabic_is_stored_in_the_order_of_reading():
    # The first word's last letter stands leftmost on paper; numbers and Latin words do not turn.
    on_paper = "12.50 EUR" + "\u0633\u0644\u0627\u0645"[::-1]

    assert to_logical_order(on_paper) == "\u0633\u0644\u0627\u0645" + "12.50 EUR"


def test_reader_refuses_broken_bytes(reader):
    with pytest.raises(UnreadableMedia, match="5 bytes that are no image"):
        reader.decode(b"bytes")


def test_reader_asks_nobody(demo_models, monkeypatch, tmp_path):
    from workers.device import Device
    from workers.models.rapidocr import RapidOcr

    def refuse(*args, **kwargs):
        raise AssertionError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)

    assert read(RapidOcr(demo_models["ocr"], Device("cpu")), page("Hello"))[0].text == "Hello"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["phototest-rotated-180.png", "phototest-rotated-L.png"])
def test_reader_reads_real_scans(reader, name):
    if not SCANS.is_dir():
        pytest.skip("no test media in ../shared/data")
    expected = (
        "This is a lot of 12 point text to test the ocr code and see if it works on all types of "
        "file format. The quick brown dog jumped over the lazy fox."
    )
    scan = Image.open(SCANS / name).convert("RGB")

    text = " ".join(line.text for line in read(reader, scan))

    assert (
        SequenceMatcher(None, re.sub(r"\s+", " ", text)[: len(expected)], expected).ratio() > 0.98
    )


def test_reader_keeps_pages_of_two_threads_apart(reader):
    pages = [page("Alpha"), page("Omega")]
    alone = [[line.text for line in read(reader, one)] for one in pages]

    with ThreadPoolExecutor(2) as threads:
        read_by_two = list(threads.map(lambda one: read(reader, one), pages * 3))

    assert [[line.text for line in lines] for lines in read_by_two] == alone * 3


def test_lines_of_a_skewed_page_are_ordered_as_if_it_lay_straight():
    """On the page as it came, the first line of the right column is above all of the left one."""
    places = [(x, 0.3 + 0.02 * i) for x in (0.1, 0.55) for i in range(5)]
    straight = [Box(x, y, x + 0.35, y + 0.012) for x, y in places]
    skewed = [Box(x, y - 0.1 * x, x + 0.35, y + 0.047 - 0.1 * x) for x, y in places]
    shuffled = [*range(5, 10), *range(5)]
    found = FoundLines(
        [], boxes=[skewed[i] for i in shuffled], straight=[straight[i] for i in shuffled]
    )

    lines = to_text_lines(
        found, [(f"line {i}", 1.0) for i in shuffled], np.zeros((1000, 700, 3), np.uint8)
    )

    assert [line.text for line in lines] == [f"line {i}" for i in range(10)]
    assert [line.box for line in lines] == skewed
