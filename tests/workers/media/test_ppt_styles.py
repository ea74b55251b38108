import struct

from workers.media.ppt_styles import Numbering, ParagraphStyle, TextStyle

NOTHING = memoryview(b"")
#: A mask of everything, and the bytes that follow it: flags 1, then 34 bytes, a tab, 6 bytes.
FULL_PARAGRAPH = struct.pack("<IH", 0x3FFFFF, 1) + bytes(24) + struct.pack("<H4x", 1) + bytes(6)
FULL_CHARACTERS = struct.pack("<IH", 0x03FF3EB7, 2 << 10) + bytes(16)


def style_of(*runs, characters=b"", numbering=b""):
    paragraphs = b"".join(struct.pack("<IH", n, level) + rest for n, level, rest in runs)
    n_chars = sum(n for n, _, _ in runs)
    return TextStyle(memoryview(paragraphs + characters), memoryview(numbering), n_chars)


def test_paragraphs_have_the_style_of_their_run():
    plain, bullet = struct.pack("<I", 0), struct.pack("<IH", 1, 1)
    none = struct.pack("<IH", 1, 0)
    style = style_of((3, 0, plain), (2, 1, bullet), (1, 0, none))

    assert [style.paragraph(i) for i in (0, 3, 5, 6)] == [
        ParagraphStyle(0, None),
        ParagraphStyle(1, has_bullet=True),
        ParagraphStyle(0, has_bullet=False),
        ParagraphStyle(),
    ]


def test_fields_of_every_kind_are_stepped_over():
    style = style_of((3, 4, FULL_PARAGRAPH), (1, 2, struct.pack("<IH", 1, 1)))

    assert [style.paragraph(0), style.paragraph(3)] == [
        ParagraphStyle(4, has_bullet=True),
        ParagraphStyle(2, has_bullet=True),
    ]


def test_numbers_are_those_of_the_style_that_the_characters_name():
    plain = struct.pack("<I", 0)
    characters = struct.pack("<I", 2) + FULL_CHARACTERS + struct.pack("<II", 2, 0)
    everything = struct.pack("<IHHHHI4xI2x2x2x2x4xI4x", 0x03800000, 0, 1, 6, 9, 0x100000, 0x267, 1)
    usual = struct.pack("<IHII", 0x02000000, 1, 0, 0)
    style = style_of((4, 0, plain), characters=characters, numbering=bytes(12) + everything + usual)

    assert style.numbering(2) is None
    assert style.numbering(0) == Numbering("arabicPeriod", 1)
    assert style_of((1, 0, plain), numbering=everything).numbering(0) == Numbering(
        "romanLcPeriod", 9
    )


def test_a_scheme_of_other_scripts_counts_in_digits():
    numbering = struct.pack("<IHHHII", 0x03000000, 1, 40, 3, 0, 0)

    assert style_of(numbering=numbering).numbering(0) == Numbering("arabicPeriod", 3)


def test_styles_that_are_cut_off_say_no_more():
    style = TextStyle(memoryview(struct.pack("<IHI", 3, 1, 1)), memoryview(b"1"), 4)

    assert style.paragraph(0) == ParagraphStyle()
    assert style.numbering(0) is None
    assert TextStyle(NOTHING, NOTHING, 1).paragraph(0) == ParagraphStyle()
