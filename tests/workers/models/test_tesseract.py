import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from schemas.errors import ConfigurationError, MediaTooLarge, UnreadableMedia
from schemas.stages import ModelRef
from workers.media.image_tar import encode_jpeg
from workers.models import tesseract
from workers.models.loading import load_model
from workers.models.roles import TextReader
from workers.models.tesseract import Tesseract, parse_lines

REF = ModelRef(source="binary:tesseract", revision="5", family="tesseract")
#: Two lines as Tesseract 5.3 prints them, the second cut short, and a word of nothing.
TABLE = """level\tpage_num\tblock_num\tand so on
1\t1\t0\t0\t0\t0\t0\t0\t200\t100\t-1\t
2\t1\t1\t0\t0\t0\t20\t10\t100\t50\t-1\t
4\t1\t1\t1\t1\t0\t20\t10\t100\t20\t-1\t
5\t1\t1\t1\t1\t1\t20\t10\t40\t20\t90.5\t"Total
5\t1\t1\t1\t1\t2\t70\t10\t50\t20\t80.5\t12.50
4\t1\t1\t1\t2\t0\t20\t40\t100\t20\t-1\t
5\t1\t1\t1\t2\t1\t20\t40\t40\t20\t95\t \n"""


needs_binary = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed"
)


def page(*lines):
    image = Image.new("RGB", (640, 300), "white")
    for i, text in enumerate(lines):
        ImageDraw.Draw(image).text((60, 50 + 70 * i), text, "black", ImageFont.load_default(36))
    return image


def fake(tmp_path, monkeypatch, *commands):
    """A program of that name that lists English and then does what the test says."""
    path = tmp_path / "tesseract"
    listing = 'if [ "$1" = --list-langs ]; then printf "List:\\neng\\n"; exit 0; fi'
    path.write_text("\n".join(["#!/bin/sh", listing, *commands]))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_lines_carry_their_words_boxes_and_mean_certainty():
    (line,) = parse_lines(TABLE)

    assert line.text == '"Total 12.50'
    assert tuple(line.box) == (0.1, 0.1, 0.6, 0.3)
    assert line.confidence == pytest.approx(0.855)


def test_words_of_scripts_without_spaces_are_joined():
    table = TABLE.replace('"Total', "合计").replace("12.50", "金额")

    assert next(parse_lines(table)).text == "合计金额"


def test_empty_output_has_no_lines():
    assert list(parse_lines("")) == []


@needs_binary
def test_reader_reads_lines_with_their_boxes(cpu):
    reader = load_model(REF, cpu, TextReader)

    lines = reader.read_lines(reader.decode(encode_jpeg(page("Invoice 4711", "Total 12.50 EUR"))))

    assert [line.text for line in lines] == ["Invoice 4711", "Total 12.50 EUR"]
    assert tuple(lines[0].box) == pytest.approx((60 / 640, 55 / 300, 270 / 640, 92 / 300), abs=0.05)
    assert min(line.confidence for line in lines) > 0.8


@needs_binary
def test_reader_finds_nothing_where_nothing_is(cpu):
    blank = Image.fromarray(np.full((300, 400, 3), 255, np.uint8))

    assert Tesseract(REF, cpu).read_lines(encode_jpeg(blank)) == []


@needs_binary
def test_absent_language_is_told_with_those_that_are_there(cpu):
    ref = REF.model_copy(update={"parameters": {"language": "eng+klingon"}})

    with pytest.raises(ConfigurationError, match=r"language klingon: tesseract has .*eng"):
        Tesseract(ref, cpu)


def test_absent_program_is_a_wrong_setting(cpu, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="tesseract: no such program"):
        Tesseract(REF, cpu)


def test_page_that_takes_too_long_is_too_large(cpu, monkeypatch, tmp_path):
    fake(tmp_path, monkeypatch, "exec /bin/sleep 30")
    reader = Tesseract(REF, cpu)
    monkeypatch.setattr(tesseract, "TIMEOUT_S", 0.2)

    with pytest.raises(MediaTooLarge, match="not done with a page"):
        reader.read_lines(b"")


def test_program_that_fails_says_why(cpu, monkeypatch, tmp_path):
    fake(tmp_path, monkeypatch, "echo first >&2", "echo 'no pix' >&2", "exit 1")

    with pytest.raises(UnreadableMedia, match="exit status 1, no pix"):
        Tesseract(REF, cpu).read_lines(b"")


def test_program_gets_one_thread_and_nothing_else_of_ours(cpu, monkeypatch, tmp_path):
    monkeypatch.setenv("SLUICE_SECRET", "x")
    seen = []
    fake(tmp_path, monkeypatch)
    reader = Tesseract(REF, cpu)
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: seen.append(k["env"]) or run(*a, **k))
    reader.read_lines(b"")

    assert seen == [{"OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}]


def test_reader_refuses_broken_bytes(cpu, monkeypatch, tmp_path):
    fake(tmp_path, monkeypatch)

    with pytest.raises(UnreadableMedia, match="image artifact"):
        Tesseract(REF, cpu).decode(b"bytes")
