import struct

import pytest

from tests.workers.media import tiny_ppt as tiny
from tests.workers.media.media_files import media_file
from tests.workers.media.tiny_pdf import DATA
from workers.media.office import read_office

#: Two runs of a list: all paragraphs have a bullet; and their `StyleTextProp9` number them.
BULLETS = struct.pack("<IHIH", 100, 0, 0x1, 1) + struct.pack("<II", 100, 0)
NUMBERED = struct.pack("<IHII", 0x03000000, 1, 3 | 4 << 16, 0) + struct.pack("<I", 0)


def read(tmp_path, data):
    path = tmp_path / "deck.ppt"
    path.write_bytes(data)
    return read_office(media_file(path, tmp_path))


def found(prepared):
    return [(s.locator.page, s.role, s.text) for s in prepared.texts[0]]


def test_shapes_are_read_from_top_to_bottom_after_the_title(tmp_path):
    deck = tiny.presentation(
        tiny.slide(
            tiny.shape(tiny.text("below"), at=(0, 900)),
            tiny.group(
                tiny.shape(tiny.text("right"), corners=(500, 400, 900, 450)),
                tiny.shape(tiny.text("left \u03a9"), corners=(0, 401, 400, 450)),
                at=(0, 400),
            ),
            tiny.shape(tiny.text("first\rsecond\vline", tiny.BODY), at=(0, 200)),
            tiny.shape(tiny.text("Plan", tiny.TITLE), at=(0, 300)),
        )
    )

    assert found(read(tmp_path, deck)) == [
        (1, "heading", "# Plan"),
        (1, "list_item", "- first"),
        (1, "list_item", "- second\nline"),
        (1, "paragraph", "left \u03a9"),
        (1, "paragraph", "right"),
        (1, "paragraph", "below"),
    ]


def test_notes_belong_to_their_slide(tmp_path):
    deck = tiny.presentation(
        tiny.slide(tiny.shape(tiny.text("one"))),
        tiny.slide(tiny.shape(tiny.text("two")), notes=256),
        notes=(tiny.notes("say hello"),),
    )

    prepared = read(tmp_path, deck)

    assert prepared.facts.n_pages == 2
    assert found(prepared) == [
        (1, "paragraph", "one"),
        (2, "paragraph", "two"),
        (2, "notes", "say hello"),
    ]


def test_hidden_slides_are_kept_out_of_search(tmp_path):
    slide = tiny.slide(tiny.shape(tiny.text("one")), is_hidden=True)

    prepared = read(tmp_path, tiny.presentation(slide))

    assert prepared.facts.extra["hidden_pages"] == [1]
    assert [s.searchable for s in prepared.texts[0]] == [False]


def test_a_table_is_read_by_the_corners_of_its_cells(tmp_path):
    cells = [((0, 0, 100, 50), "a"), ((100, 0, 200, 50), "b\rc"), ((0, 50, 200, 99), "d")]

    prepared = read(tmp_path, tiny.presentation(tiny.slide(tiny.table(*cells, at=(0, 0)))))

    assert found(prepared) == [(1, "table", "| a | b c |\n| --- | --- |\n| d |")]


def test_what_a_picture_shows_is_read(tmp_path):
    said = "A duck\0".encode("utf-16-le")
    picture = tiny.shape(properties=tiny.properties((0x104, 1), (0x381, said)))
    drawing = tiny.shape(properties=tiny.properties((0x381, said)))

    assert found(read(tmp_path, tiny.presentation(tiny.slide(picture, drawing)))) == [
        (1, "alt_text", "A duck")
    ]


def test_lists_are_numbered_as_they_are_shown(tmp_path):
    body = tiny.shape(tiny.text("four\rfive", style=BULLETS), numbering=NUMBERED)

    assert [text for _, _, text in found(read(tmp_path, tiny.presentation(tiny.slide(body))))] == [
        "4. four",
        "5. five",
    ]


def test_texts_that_are_kept_in_the_outline_are_found_there(tmp_path):
    reference = tiny.atom(tiny.Kind.OUTLINE_TEXT_REF, struct.pack("<i", 1))
    outline = tiny.text("no", tiny.TITLE) + tiny.text("kept apart")

    deck = tiny.presentation(tiny.slide(tiny.shape(reference)), outlines={0: outline})

    assert found(read(tmp_path, deck)) == [(1, "paragraph", "kept apart")]


def test_footers_have_their_role_and_numbers_of_slides_are_left_out(tmp_path):
    footer = tiny.shape(tiny.text("ACME"), at=(0, 900), placeholder=tiny.FOOTER)
    number = tiny.shape(tiny.text("*"), at=(500, 900), placeholder=tiny.NUMBER)

    assert found(read(tmp_path, tiny.presentation(tiny.slide(footer, number)))) == [
        (1, "page_footer", "ACME")
    ]


def test_a_broken_slide_is_a_failure_of_its_page(tmp_path):
    good = tiny.slide(tiny.shape(tiny.text("good")))
    broken = tiny.slide(tiny.shape(tiny.atom(tiny.Kind.TEXT_HEADER, b"1")))

    prepared = read(tmp_path, tiny.presentation(broken, good, tiny.notes("no slide")))

    assert found(prepared) == [(2, "paragraph", "good")]
    assert [failure.locator.page for failure in prepared.failures] == [1, 3]
    assert "SLIDE is expected at byte" in prepared.failures[1].message


def test_a_file_of_powerpoint_itself_is_read(tmp_path):
    path = DATA / "document/docling-ppt/legacy_sample.ppt"
    if not path.exists():
        pytest.skip("the shared test media are absent")

    prepared = read_office(media_file(path, tmp_path))

    texts = found(prepared)
    table = texts[1][2].splitlines()
    assert table[0] == "|  | Class1 | Class1 | Class1 | Class2 | Class2 | Class2 |"
    assert table[5:7] == ["| R3 | False |  |  |  | False |", "| R3 |  | True |  | True |"]
    assert (2, "list_item", "- With foo") in texts
    assert [text for page, _, text in texts if page == 3][:3] == [
        "1. List item4",
        "2. List item5",
        "3. List item6",
    ]
    assert texts[-2:] == [
        (3, "notes", "Final notes on the third slide."),
        (3, "notes", "Second line of notes."),
    ]
    assert prepared.facts.extra["author"] == "Maxim Lysak"
    assert prepared.facts.extra["created"] == "2024-09-26T09:15:16Z"
