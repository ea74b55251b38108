from schemas.segment import Box
from workers.media.page_text import PageTexts
from workers.media.pdf_text import TextLine


def line(text, y0=0.5, height=0.01, **options):
    return TextLine(text, Box(0.1, y0, 0.9, y0 + height), height, **options)


def segments_of(*pages):
    texts = PageTexts()
    for number, lines in enumerate(pages, start=1):
        texts.add(lines, number)
    return [s for part in texts.parts().values() for s in part]


BODY = [line(f"Line {i} of the body", y0=0.3 + 0.02 * i) for i in range(9)]


def test_parts_hold_the_lines_of_32_pages():
    texts = PageTexts()
    for page in range(1, 34):
        texts.add([line("Words")], page)

    parts = texts.parts()

    assert [len(parts[part]) for part in (0, 1)] == [32, 1]
    assert parts[1][0].ordinal == 0


def test_high_lines_are_headings_of_two_levels():
    found = segments_of([line("Title", height=0.03), line("Chapter", height=0.015), *BODY])

    assert [(s.role, s.text) for s in found[:3]] == [
        ("heading", "# Title"),
        ("heading", "## Chapter"),
        ("line", "Line 0 of the body"),
    ]


def test_marks_of_list_items_are_those_of_markdown():
    found = segments_of([line("\u25cf first"), line("2. second"), line("3.5 percent")])

    assert [(s.role, s.text) for s in found] == [
        ("list_item", "- first"),
        ("list_item", "2. second"),
        ("line", "3.5 percent"),
    ]


def test_tables_are_tables_of_markdown():
    table = line("", rows=(("Item", "Price"), ("Tea", "1.50")))

    [segment] = segments_of([table])

    assert (segment.role, segment.text) == (
        "table",
        "| Item | Price |\n| --- | --- |\n| Tea | 1.50 |",
    )


def test_what_repeats_at_the_edge_of_pages_can_be_found_where_it_is_first():
    pages = [[line(f"Annual report, page {n}", y0=0.02), *BODY] for n in range(1, 4)]

    found = [s for s in segments_of(*pages) if s.role == "page_header"]

    assert [s.searchable for s in found] == [True, False, False]


def test_what_repeats_in_the_body_is_body():
    assert {s.role for s in segments_of(BODY, BODY, BODY)} == {"line"}


def test_a_line_at_an_edge_of_one_page_of_many_is_body():
    found = segments_of([line("Only here", y0=0.02), *BODY], BODY, BODY)

    assert (found[0].role, found[0].searchable) == ("line", True)


def test_page_numbers_are_kept_but_not_searched():
    found = segments_of([*BODY, line("- 7 -", y0=0.95)])[-1]

    assert (found.text, found.role, found.searchable) == ("- 7 -", "page_footer", False)


def test_a_number_in_the_body_is_searched():
    assert segments_of([line("1984"), *BODY])[0].searchable


def test_hidden_lines_are_kept_but_not_searched():
    found = segments_of([line("unseen", is_hidden=True)])

    assert [(s.text, s.searchable) for s in found] == [("unseen", False)]
