from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.parts import opened_parts
from workers.media.sheet_drawings import comments, drawings

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"


def relations(**targets):
    return (
        "<Relationships xmlns='http://x'>"
        + "".join(
            f'<Relationship Id="{kind}" Type="{OFFICE}/{kind}" Target="{target}"/>'
            for kind, target in targets.items()
        )
        + "</Relationships>"
    )


def opened(tmp_path, files):
    return opened_parts(media_file(tmp_path, tiny.archive(files), tiny.XLSX))


def anchor(row, inner):
    return f"<a><from><col>0</col><row>{row}</row></from>{inner}</a>"


def test_drawings_come_from_top_to_bottom(tmp_path):
    text = "<txBody><p><r><t>%s</t></r></p></txBody>"
    picture = '<pic><cNvPr descr="A duck"/></pic>'
    files = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(drawing="../drawings/d.xml"),
        "xl/drawings/d.xml": f"<w>{anchor(9, text % 'low')}{anchor(2, picture)}</w>",
    }
    with opened(tmp_path, files) as parts:
        found = drawings(parts, SHEET, page=3)

    assert [(d.row, b.page, b.role, b.text) for d in found for b in d.blocks if b.text] == [
        (2, 3, "alt_text", "A duck"),
        (9, 3, "paragraph", "low"),
    ]


def test_comments_name_their_authors_and_come_once(tmp_path):
    notes = (
        "<comments><authors><author>Ada</author></authors><commentList>"
        "<comment authorId='0'><text><t>Ada:\nwhy?</t></text></comment>"
        "<comment authorId='7'><text><t>[Threaded comment] of old</t></text></comment>"
        "</commentList></comments>"
    )
    threads = "<t><threadedComment personId='p'><text>because</text></threadedComment></t>"
    files = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(
            threadedComment="../t.xml", comments="../c.xml"
        ),
        "xl/_rels/workbook.xml.rels": relations(person="people.xml"),
        "xl/c.xml": notes,
        "xl/t.xml": threads,
        "xl/people.xml": "<p><person id='p' displayName='Bob'/></p>",
    }
    with opened(tmp_path, files) as parts:
        found = [(b.role, b.text) for b in comments(parts, BOOK, SHEET, page=1)]

    assert found == [("comment", "Ada: why?"), ("comment", "Bob: because")]


def test_a_sheet_without_drawings_has_none(tmp_path):
    with opened(tmp_path, {"a": "b"}) as parts:
        assert drawings(parts, SHEET, page=1) == []
        assert list(comments(parts, BOOK, SHEET, page=1)) == []
