from workers.media.asciidoc import asciidoc_blocks
from workers.media.blocks import markdown


def roles(text):
    return [(block.role, markdown(block)) for block in asciidoc_blocks(text)]


def test_asciidoc_blocks_leave_out_attributes_and_comments():
    text = "= Title\n:author: A\n// note\n[source]\n----\ncode\n----\n* item\n|===\n|a |b\n|==="
    assert roles(text) == [
        ("heading", "# Title"),
        ("code", "code"),
        ("list_item", "- item"),
        ("table", "| a | b |\n| --- | --- |"),
    ]


def test_asciidoc_blocks_count_the_items_of_lists():
    assert roles(". one\n.. sub\n. two\n** bullet\n7. seven\n\ntext\n\n. again") == [
        ("list_item", "1. one"),
        ("list_item", "  1. sub"),
        ("list_item", "2. two"),
        ("list_item", "  - bullet"),
        ("list_item", "7. seven"),
        ("paragraph", "text"),
        ("list_item", "1. again"),
    ]


def test_asciidoc_blocks_read_titles_and_pictures():
    assert roles(".Caption\nimage::a.png[A duck, width=2]\nsee image:b.png[this] now") == [
        ("paragraph", "Caption"),
        ("alt_text", "A duck"),
        ("paragraph", "see this now"),
    ]


def test_asciidoc_blocks_know_how_cells_look_and_span():
    text = "|===\n^.^h|Field ^h| Text\n| s | Strong\n2+| wide\n|a \\| b|c\n|==="
    assert roles(text) == [
        (
            "table",
            "| Field | Text |\n| --- | --- |\n| s | Strong |\n| wide |\n| a \\| b | c |",
        )
    ]


def test_asciidoc_blocks_count_cells_that_stand_on_lines_of_their_own():
    assert roles('[cols="1,1"]\n|===\n|a\n|b\n|c\n|d') == [
        ("table", "| a | b |\n| --- | --- |\n| c | d |")
    ]


def test_asciidoc_blocks_keep_a_listing_that_is_never_closed():
    assert roles("----\nx\n\ny") == [("code", "x\n\ny")]


def test_asciidoc_blocks_show_the_text_of_links():
    assert roles("see https://a.b/c[the page] and link:d.html[more]") == [
        ("paragraph", "see the page and more")
    ]
