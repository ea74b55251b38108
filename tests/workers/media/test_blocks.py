import pytest

from schemas.segment import Page
from workers.media.blocks import Block, Segments, inline, markdown, row_blocks, row_text


def test_row_text_drops_empty_cells_at_the_right():
    assert row_text(["a", "", "b\nc", "", " "]) == "| a |  | b c |"
    assert row_text(["", " "]) == ""


def test_row_text_escapes_bars():
    assert row_text(["a|b"]) == r"| a\|b |"


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (Block("a\n b", "heading", level=2), "## a b"),
        (Block("a", "heading"), "# a"),
        (Block("a", "heading", level=9), "###### a"),
        (Block("a", "list_item"), "- a"),
        (Block("a", "list_item", level=1, number="3."), "  3. a"),
        (Block("a", "list_item", number="b)"), "- b) a"),
        (Block("  a\n  b", "code"), "  a\n  b"),
        (Block(" ", "heading"), ""),
    ],
)
def test_markdown_marks_headings_and_list_items(block, text):
    assert markdown(block) == text


def test_inline_leaves_out_what_needs_a_line_of_its_own():
    [table] = row_blocks([["a", "b|c"], ["d"]], page=1)

    assert inline(table) == r"a b\|c d"
    assert inline(Block("a", "heading")) == "a"
    assert inline(Block("$$x$$", "formula")) == "$x$"
    assert inline(Block("a", "list_item", level=1)) == "- a"


def test_row_blocks_makes_tables_of_bounded_length():
    blocks = list(row_blocks((["x" * 100] for _ in range(100)), page=3))

    assert len(blocks) == 3
    assert {(block.role, block.page) for block in blocks} == {("table", 3)}
    assert sum(block.text.count("\n") + 1 for block in blocks) == 101


def test_row_blocks_rules_a_long_table_once():
    rows = [["a", "b|"], *([["x" * 100]] * 100)]

    lines = "\n".join(block.text for block in row_blocks(rows, page=1)).split("\n")

    assert lines[:2] == [r"| a | b\| |", "| --- | --- |"]
    assert set(lines[2:]) == {f"| {'x' * 100} |"}


def test_row_blocks_of_empty_rows_is_empty():
    assert list(row_blocks([[], ["", ""]], page=1)) == []


def test_segments_number_within_parts_of_200():
    parts = Segments(10_000).add(Block(f"p{i}") for i in range(201)).parts

    assert [len(parts[part]) for part in (0, 1)] == [200, 1]
    assert [s.ordinal for s in parts[0]][-1] == 199
    assert parts[1][0].ordinal == 0


def test_segments_bound_the_characters_of_a_part():
    parts = Segments(10**7).add(Block("x" * 4000, page=2) for _ in range(26)).parts

    assert [len(parts[part]) for part in (0, 1)] == [25, 1]
    assert parts[0][0].locator == Page(page=2)


def test_segments_cut_long_blocks_at_line_ends_then_at_spaces():
    lines = Segments(10**7).add([Block("\n".join(["y" * 3000] * 2))]).parts[0]
    words = Segments(10**7).add([Block(" ".join(["z" * 3000] * 2))]).parts[0]
    solid = Segments(10**7).add([Block("w" * 5000)]).parts[0]

    assert [len(s.text) for s in lines] == [3000, 3000]
    assert [len(s.text) for s in words] == [3000, 3000]
    assert [len(s.text) for s in solid] == [4000, 1000]


def test_segments_stop_reading_at_the_limit():
    read = []

    def source():
        for i in range(100):
            read.append(i)
            yield Block("12345")

    segments = Segments(12).add(source())

    assert [s.text for s in segments.parts[0]] == ["12345", "12345", "12"]
    assert segments.is_full
    assert len(read) == 3


def test_segments_drop_nothing_but_empty_blocks_and_zero_characters():
    parts = Segments(100).add([Block("  "), Block("a\0b")]).parts

    assert [s.text for s in parts[0]] == ["ab"]


def test_segments_keep_hidden_text_out_of_search():
    parts = Segments(100).add([Block("a", is_hidden=True), Block("a")]).parts

    assert [s.searchable for s in parts[0]] == [False, True]


def test_segments_find_a_running_header_once():
    pages = [Block("Secret", "page_header", page) for page in (1, 2)]

    parts = Segments(100).add([*pages, Block("Secret"), Block("Secret")]).parts

    assert [s.searchable for s in parts[0]] == [True, False, True, True]
