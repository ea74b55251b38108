import struct

from tests.workers.media import tiny_ppt as tiny
from workers.media.ppt_paragraphs import Paragraph, Text, paragraphs, texts
from workers.media.ppt_records import records


def test_texts_follow_their_headers():
    row = tiny.text("caf\u00e9", tiny.TITLE) + tiny.text("\u03a9", tiny.BODY, style=b"12")

    first, second = texts(records(memoryview(row)))

    assert (first.kind, first.text) == (tiny.TITLE, "caf\u00e9")
    assert (second.kind, second.text, bytes(second.style)) == (tiny.BODY, "\u03a9", b"12")
    assert list(texts(records(memoryview(tiny.atom(tiny.Kind.TEXT_BYTES, b"lost"))))) == []


def test_paragraphs_of_bodies_are_items_and_empty_ones_are_left_out():
    assert list(paragraphs(Text(tiny.BODY, "a\r \rb\vc"))) == [
        Paragraph("a", 0, ""),
        Paragraph("b\nc", 0, ""),
    ]
    assert [one.mark for one in paragraphs(Text(tiny.OTHER, "a"))] == [None]


def test_numbers_start_anew_below_another_item():
    runs = [(2, 0), (2, 1), (2, 0), (2, 1)]
    style = b"".join(struct.pack("<IHIH", n, level, 1, 1) for n, level in runs)
    style += struct.pack("<II", 8, 0)
    numbering = struct.pack("<IHII", 0x02000000, 1, 0, 0)
    text = Text(tiny.OTHER, "a\rb\rc\rd", memoryview(style))

    marks = [(one.level, one.mark) for one in paragraphs(text, memoryview(numbering))]

    assert marks == [(0, "1."), (1, "1."), (0, "2."), (1, "1.")]
