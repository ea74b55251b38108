import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.office import read_office


def paragraph(text, properties=""):
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def cell(text, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"


def read(tmp_path, body, **parts):
    prepared = read_office(media_file(tmp_path, tiny.docx(body, parts), tiny.DOCX))
    return [(s.role, s.text) for s in prepared.texts[0]]


def test_blocks_repeat_merged_cells(tmp_path):
    rows = (
        cell("a", '<w:gridSpan w:val="2"/>') + cell("b"),
        cell("c", '<w:vMerge w:val="restart"/>') + cell("d") + cell("e"),
        cell("", "<w:vMerge/>") + cell("f") + cell("g"),
    )
    table = "".join(f"<w:tr>{row}</w:tr>" for row in rows)

    assert read(tmp_path, f"<w:tbl>{table}</w:tbl>") == [
        ("table", "| a | a | b |\n| --- | --- | --- |\n| c | d | e |\n| c | f | g |")
    ]


def test_blocks_read_through_frames_and_content_controls(tmp_path):
    box = f"<w:tbl><w:tr>{cell('boxed')}</w:tr></w:tbl>"
    control = f"<w:sdt><w:sdtContent>{paragraph('controlled')}</w:sdtContent></w:sdt>"

    assert read(tmp_path, box + control) == [("paragraph", "boxed"), ("paragraph", "controlled")]


def test_blocks_leave_out_what_was_deleted(tmp_path):
    kept = "<w:ins><w:r><w:t>new</w:t></w:r></w:ins>"
    gone = "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"

    assert read(tmp_path, f"<w:p>{kept}{gone}</w:p>") == [("paragraph", "new")]


def test_blocks_mark_what_stands_beside_the_body(tmp_path):
    anchors = (
        '<w:p><w:r><w:t>text</w:t><w:footnoteReference w:id="2"/></w:r>'
        '<w:r><w:commentReference w:id="0"/></w:r></w:p>'
    )
    assert read(
        tmp_path,
        anchors,
        header=paragraph("Secret"),
        footer=paragraph("Page"),
        footnotes=f'<w:footnote w:id="2">{paragraph("below")}</w:footnote>',
        comments=f'<w:comment w:id="0" w:author="Ada">{paragraph("why?")}</w:comment>',
    ) == [
        ("page_header", "Secret"),
        ("paragraph", "text"),
        ("footnote", "below"),
        ("comment", "Ada: why?"),
        ("page_footer", "Page"),
    ]


def test_blocks_read_text_boxes_once(tmp_path):
    box = f"<w:txbxContent>{paragraph('in the box')}</w:txbxContent>"
    both = f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
    anchor = f"<w:r><w:t>text</w:t><mc:AlternateContent>{both}</mc:AlternateContent></w:r>"

    assert read(tmp_path, f"<w:p>{anchor}</w:p>") == [
        ("paragraph", "text"),
        ("paragraph", "in the box"),
    ]


def test_blocks_read_the_numbers_behind_charts(tmp_path):
    anchor = '<w:p><w:r><w:drawing><c:chart r:id="chart"/></w:drawing></w:r></w:p>'
    bars = "<c:chart><c:plotArea><c:barChart/></c:plotArea></c:chart>"

    assert read(tmp_path, anchor, chart=bars) == [("chart", "Bar chart")]


def test_blocks_set_formulas_apart_or_within_their_line(tmp_path):
    formula = "<m:oMath><m:r><m:t>x&lt;y</m:t></m:r></m:oMath>"
    inline = f"<w:p><w:r><w:t>if </w:t></w:r>{formula}<w:r><w:t>, then</w:t></w:r></w:p>"

    assert read(tmp_path, f"<w:p><m:oMathPara>{formula}</m:oMathPara></w:p>{inline}") == [
        ("formula", "$$x<y$$"),
        ("paragraph", "if $x<y$, then"),
    ]


def test_blocks_number_headings_and_items(tmp_path):
    level = '<w:lvl w:ilvl="0"><w:numFmt w:val="%s"/><w:lvlText w:val="%%1."/></w:lvl>'
    numbering = "".join(
        f'<w:abstractNum w:abstractNumId="{n}">{level % kind}</w:abstractNum>'
        for n, kind in enumerate(("decimal", "bullet"))
    ) + "".join(
        f'<w:num w:numId="{n + 1}"><w:abstractNumId w:val="{n}"/></w:num>' for n in range(2)
    )
    place = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="%d"/></w:numPr>'
    outline = '<w:outlineLvl w:val="1"/>'
    body = (
        paragraph("One", place % 1 + outline)
        + paragraph("two", place % 1)
        + paragraph("dot", place % 2)
    )
    assert read(tmp_path, body, numbering=numbering) == [
        ("heading", "## 1. One"),
        ("list_item", "2. two"),
        ("list_item", "- dot"),
    ]


def test_blocks_keep_the_logical_order_of_right_to_left_text(tmp_path):
    text = "\u05e9\u05dc\u05d5\u05dd 12 (a)"
    assert read(tmp_path, paragraph(text, "<w:bidi/>")) == [("paragraph", text)]


def test_a_document_without_a_body_is_unreadable(tmp_path):
    data = tiny.archive({"word/document.xml": "<w/>"})
    with pytest.raises(UnreadableMedia, match="no body"):
        read_office(media_file(tmp_path, data, tiny.DOCX))


def test_a_broken_part_leaves_the_body_readable(tmp_path):
    data = tiny.docx(paragraph("text"), {"comments": "<w:comment"})

    prepared = read_office(media_file(tmp_path, data, tiny.DOCX))

    assert [s.text for s in prepared.texts[0]] == ["text"]
    assert ["comments.xml" in failure.message for failure in prepared.failures] == [True]
