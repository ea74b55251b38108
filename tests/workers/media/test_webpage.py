from workers.media.webpage import blocks, declared_encoding, facts, parse


def roles(html):
    return [(block.role, block.text) for block in blocks(parse(html.encode(), "utf-8"))]


def test_blocks_follow_the_order_of_the_page():
    html = "<h1>Hi <b>you</b></h1><p>a <i>b</i><br>c</p>tail<ul><li>one<ul><li>sub</ul></ul>"
    assert roles(html) == [
        ("heading", "Hi you"),
        ("paragraph", "a b\nc"),
        ("paragraph", "tail"),
        ("list_item", "one"),
        ("list_item", "sub"),
    ]


def test_blocks_leave_out_what_is_not_seen():
    html = (
        "<head><title>T</title><style>x</style></head><body><script>y</script>"
        "<noscript>z</noscript>"
        ""
        "<p hidden>a</p><p style='display: none'>b</p><!-- c --><?pi d?>"
        "<p>seen<span hidden>e</span>"
        " too</p>"
    )
    assert roles(html) == [("paragraph", "seen too")]


def test_blocks_keep_rows_and_cells_of_tables():
    html = "<table><caption>C</caption><tr><th>A<th>B<tr><td><p>1</p><p>2</p><td>x<br>y</table>end"
    assert roles(html) == [
        ("table", "| C |\n| --- |\n| A | B |\n| 1 2 | x y |"),
        ("paragraph", "end"),
    ]


def test_blocks_read_through_tables_that_are_layout():
    html = "<table><tr><td><p>text</p><table><tr><td>1<td>2</table></table>"
    assert roles(html) == [("paragraph", "text"), ("table", "| 1 | 2 |\n| --- | --- |")]


def test_blocks_stand_cells_without_rows():
    assert ("table", "| a |\n| --- |") in roles("<table><tbody><td>a</td></tbody></table>")


def test_blocks_keep_the_layout_of_code():
    assert roles("<pre>  a\n    b</pre>") == [("code", "  a\n    b")]


def test_blocks_repeat_merged_cells():
    html = "<table><tr><th rowspan=2>Y<th colspan=2>M<tr><td>1<td>2<tr><th rowspan=3>Z</table>"
    assert roles(html) == [("table", "| Y | M | M |\n| --- | --- | --- |\n| Y | 1 | 2 |\n| Z |")]


def test_blocks_count_the_items_of_ordered_lists():
    html = "<ol start=3><li>c<ol type=a><li>x</ol><li value=9>i<p>more</ol><ul><li>b</ul>"
    found = [(b.role, b.level, b.number) for b in blocks(parse(html.encode(), "utf-8"))]
    assert found == [
        ("list_item", 0, "3."),
        ("list_item", 1, "a."),
        ("list_item", 0, "9."),
        ("paragraph", 0, ""),
        ("list_item", 0, ""),
    ]


def test_blocks_say_what_pictures_show():
    assert roles("<p>see <img alt='A  duck'> here<img alt=''></p>") == [
        ("paragraph", "see here"),
        ("alt_text", "A duck"),
    ]


def test_facts_are_those_that_the_page_states():
    html = (
        b"<html lang=en><title> A\n B </title><meta name=Author content=Ada>"
        b"<meta property='article:published_time' content=2026-05-07><p>x"
    )
    assert facts(parse(html, "utf-8")) == {
        "title": "A B",
        "language": "en",
        "author": "Ada",
        "created": "2026-05-07",
    }


def test_parse_of_nothing_is_none():
    assert parse(b"", "utf-8") is None


def test_declared_encoding_is_that_of_the_meta_element():
    assert declared_encoding(b'<meta charset="Shift_JIS">') == "Shift_JIS"
    assert declared_encoding(b"<meta content='text/html; charset=koi8-r'>") == "koi8-r"
    assert declared_encoding(b'<?xml version="1.0" encoding="utf-16"?>') == "utf-16"
    assert declared_encoding(b"<p>") is None


def test_blocks_survive_deep_nesting():
    assert roles("<div>" * 50_000 + "deep" + "</div>" * 50_000) is not None
