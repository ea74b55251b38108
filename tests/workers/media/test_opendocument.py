import pytest

from schemas.errors import EncryptedMedia, UnreadableMedia
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.office import read_office

ODT, ODS, ODP = (
    f"application/vnd.oasis.opendocument.{kind}" for kind in ("text", "spreadsheet", "presentation")
)
NUMBERED = (
    '<text:list-style style:name="L"><text:list-level-style-number text:level="1" '
    'style:num-format="1" style:num-suffix="."/></text:list-style>'
)


def read(tmp_path, kind, content, styles="", **extra):
    data = tiny.opendocument(kind, content, styles, **extra)
    mime_type = f"application/vnd.oasis.opendocument.{kind}"
    return read_office(media_file(tmp_path, data, mime_type))


def roles(prepared):
    return [(s.role, s.text) for s in prepared.texts[0]]


def cell(text, attributes=""):
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def row(*cells, attributes=""):
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def test_a_text_has_headings_lists_and_tables(tmp_path):
    items = "".join(
        f"<text:list-item><text:p>{text}</text:p></text:list-item>" for text in ("one", "two")
    )
    wide = cell("a", 'table:number-columns-spanned="2"') + "<table:covered-table-cell/>"
    content = (
        '<text:h text:outline-level="2">Head</text:h>'
        f'<text:list text:style-name="L">{items}</text:list>'
        f"<table:table>{row(wide, cell('b'))}{row(cell('c'), cell('d'), cell('e'))}</table:table>"
    )
    assert roles(read(tmp_path, "text", content, NUMBERED)) == [
        ("heading", "## Head"),
        ("list_item", "1. one"),
        ("list_item", "2. two"),
        ("table", "| a | a | b |\n| --- | --- | --- |\n| c | d | e |"),
    ]


def test_a_text_has_notes_comments_and_running_headers(tmp_path):
    note = "<text:note><text:note-body><text:p>below</text:p></text:note-body></text:note>"
    comment = (
        "<office:annotation><dc:creator>Ada</dc:creator><text:p>why?</text:p></office:annotation>"
    )
    header = "<style:header><text:p>Secret</text:p></style:header>"
    page = f"<style:master-page>{header}</style:master-page>"
    gone = "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"

    prepared = read(
        tmp_path, "text", f"{gone}<text:p>text{note}{comment}</text:p>", styles_xml=page
    )

    assert roles(prepared) == [
        ("page_header", "Secret"),
        ("paragraph", "text"),
        ("footnote", "below"),
        ("comment", "Ada: why?"),
    ]


def test_a_text_has_text_boxes_charts_and_descriptions(tmp_path):
    box = "<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>"
    picture = "<draw:frame><draw:image/><svg:desc>A duck</svg:desc></draw:frame>"
    link = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    numbers = f"<table:table>{row(cell('x'), cell('1'))}</table:table>"
    chart = (
        '<chart:chart chart:class="chart:bar"><chart:title><text:p>Ducks</text:p></chart:title>'
        f"{numbers}</chart:chart>"
    )

    content = f"<text:p>text{box}{picture}{link}</text:p>"
    prepared = read(tmp_path, "text", content, **{"Object 1/content_xml": chart})

    assert roles(prepared) == [
        ("paragraph", "text"),
        ("paragraph", "boxed"),
        ("alt_text", "A duck"),
        ("paragraph", "Ducks"),
        ("chart", "Bar chart"),
        ("chart", "| x | 1 |\n| --- | --- |"),
    ]


def test_sheets_are_pages_and_hidden_ones_out_of_search(tmp_path):
    hidden = (
        '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
    )
    empty = row("<table:table-cell/>", attributes='table:number-rows-repeated="1048576"')
    content = (
        f'<table:table table:name="A">{row(cell("a"))}{empty}</table:table>'
        f'<table:table table:name="B" table:style-name="h">{row(cell("b"))}</table:table>'
    )

    prepared = read(tmp_path, "spreadsheet", content, hidden)

    assert [(s.locator.page, s.searchable, s.text) for s in prepared.texts[0]] == [
        (1, True, "## A"),
        (1, True, "| a |\n| --- |"),
        (2, False, "## B"),
        (2, False, "| b |\n| --- |"),
    ]
    assert prepared.facts.n_pages == 2
    assert prepared.facts.extra == {"sheets": ["A", "B"], "hidden_pages": [2]}


def test_slides_are_read_from_top_to_bottom_with_their_notes(tmp_path):
    frame = (
        '<draw:frame svg:x="1cm" svg:y="{}" presentation:class="{}"><draw:text-box>'
        "<text:p>{}</text:p></draw:text-box></draw:frame>"
    )
    shapes = (
        frame.format("4in", "footer", "Secret"),
        frame.format("50mm", "outline", "text"),
        frame.format("1cm", "title", "Title"),
        frame.format("20cm", "page-number", "7"),
    )
    notes = "<presentation:notes><text:p>say this</text:p></presentation:notes>"

    prepared = read(tmp_path, "presentation", f"<draw:page>{''.join(shapes)}{notes}</draw:page>")

    assert roles(prepared) == [
        ("heading", "# Title"),
        ("paragraph", "text"),
        ("page_footer", "Secret"),
        ("notes", "say this"),
    ]


def test_an_encrypted_file_is_refused_as_such(tmp_path):
    manifest = "<m><file-entry><encryption-data/></file-entry></m>"
    data = tiny.archive({"content.xml": "noise", "META-INF/manifest.xml": manifest})
    with pytest.raises(EncryptedMedia, match="password"):
        read_office(media_file(tmp_path, data, ODT))


@pytest.mark.parametrize("files", [{"a": "b"}, {"content.xml": "<x"}, {"content.xml": "<x/>"}])
@pytest.mark.parametrize("mime_type", [ODT, ODS, ODP])
def test_a_broken_file_is_unreadable(tmp_path, files, mime_type):
    with pytest.raises(UnreadableMedia, match="document"):
        read_office(media_file(tmp_path, tiny.archive(files), mime_type))
