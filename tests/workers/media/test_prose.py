from workers.media.prose import markdown_blocks, plain_blocks


def roles(blocks):
    return [(block.role, block.text) for block in blocks]


def test_plain_blocks_end_at_empty_lines():
    assert roles(plain_blocks("a\nb\n\n \nc\n")) == [("paragraph", "a\nb"), ("paragraph", "c")]


def test_markdown_blocks_tell_headings_lists_tables_and_code():
    text = "# Title #\nText\ngoes on\n\n- one\n  more\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    text += "```python\n# no heading\n\nx = 1\n```\nend"
    assert roles(markdown_blocks(text)) == [
        ("heading", "Title"),
        ("paragraph", "Text\ngoes on"),
        ("list_item", "one\nmore"),
        ("list_item", "two"),
        ("table", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        ("code", "# no heading\n\nx = 1\n"),
        ("paragraph", "end"),
    ]


def test_markdown_blocks_show_what_is_rendered():
    text = r"**bold** [link](http://x) \*star\* `code` ~~gone~~ &lt;p&gt;"
    assert roles(markdown_blocks(text)) == [("paragraph", "bold link *star* code gone <p>")]


def test_markdown_blocks_read_html_in_it():
    text = "before\n\n<table><tr><td>a<td>b</table>\n\n<div>in</div>\n\n<!-- note -->"
    assert roles(markdown_blocks(text)) == [
        ("paragraph", "before"),
        ("table", "| a | b |\n| --- | --- |"),
        ("paragraph", "in"),
    ]


def test_markdown_blocks_know_underlined_headings():
    assert roles(markdown_blocks("Title\n-----\ntext")) == [
        ("heading", "Title"),
        ("paragraph", "text"),
    ]


def test_markdown_blocks_keep_code_that_is_never_closed():
    assert roles(markdown_blocks("```\nx\n\ny")) == [("code", "x\n\ny")]


def test_markdown_blocks_keep_front_matter_apart():
    assert roles(markdown_blocks("---\ntitle: T\n---\nText")) == [
        ("header", "title: T"),
        ("paragraph", "Text"),
    ]


def test_markdown_blocks_keep_the_logical_order_of_right_to_left_text():
    text = "# \u05e9\u05dc\u05d5\u05dd 123 abc\n\n\u0645\u0631\u062d\u0628\u0627"
    assert roles(markdown_blocks(text)) == [
        ("heading", "\u05e9\u05dc\u05d5\u05dd 123 abc"),
        ("paragraph", "\u0645\u0631\u062d\u0628\u0627"),
    ]
