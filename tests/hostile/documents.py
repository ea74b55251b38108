"""Documents that unpack, nest, loop or link without end."""

import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from schemas.errors import MediaTooLarge, UnreadableMedia, UnsupportedMedia
from tests.hostile.images import deflated_zeros, png, png_claim
from tests.hostile.rows import HARMLESS, REFUSED, Lure, Row, same
from tests.workers.media.tiny_office import archive, docx, epub
from tests.workers.media.tiny_pdf import text_line

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


# -- PDF -------------------------------------------------------------------------------------


def pdf(*objects: bytes) -> bytes:
    """Objects 1, 2, ...; the first is the catalogue."""
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return (
        out
        + head
        + table
        + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (
            len(objects) + 1,
            len(out),
        )
    )


def stream(content: bytes, about: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), about, content)


_CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
_WORDS = text_line(72, 700, HARMLESS).encode()


def one_page(content: bytes, *, box: bytes = b"0 0 612 792", more: bytes = b"", also=()) -> bytes:
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R%s>>"
    )
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return pdf(_CATALOG, pages, page % (box, more), content, _FONT, *also)


def nested_flate(_: Lure) -> bytes:
    """A gibibyte in three layers."""
    packed = zlib.compress(zlib.compress(deflated_zeros(1 << 30), 9), 9)
    return one_page(stream(packed, b"/Filter[/FlateDecode/FlateDecode/FlateDecode]"))


def page_loop(_: Lure) -> bytes:
    kids = b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>"
    return pdf(_CATALOG, kids, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")


def million_pages(_: Lure) -> bytes:
    pages = b"<</Type/Pages/Kids[%s]/Count 1000000>>" % (b"3 0 R " * 1_000_000)
    return pdf(_CATALOG, pages, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")


def deep(_: Lure) -> bytes:
    return one_page(stream(b"[" * 500_000 + b"]" * 500_000 + b" TJ " + b"q " * 500_000 + _WORDS))


def picture_flood(_: Lure) -> bytes:
    """A picture of 50,000 x 50,000 pixels in a few megabytes."""
    about = b"/Type/XObject/Subtype/Image/Width 50000/Height 50000/ColorSpace/DeviceGray"
    about += b"/BitsPerComponent 8/Filter/FlateDecode"
    picture = stream(deflated_zeros(64 << 20), about)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    page += b"/Resources<</XObject<</I 5 0 R>>>>>>"
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return pdf(_CATALOG, pages, page, stream(b"q 612 0 0 792 0 0 cm /I Do Q"), picture)


def shared_attachments(_: Lure) -> bytes:
    """Nine hundred attachments that are all the same two megabytes, under names that climb."""
    names = b"".join(b"(../../%d)7 0 R" % n for n in range(900))
    catalog = b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[%s]>>>>>>" % names
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    page += b"/Resources<</Font<</F1 5 0 R>>>>>>"
    file = stream(zlib.compress(bytes(2 << 20)), b"/Filter/FlateDecode")
    spec = b"<</Type/Filespec/F(/tmp/climbed)/EF<</F 6 0 R>>>>"
    return pdf(catalog, pages, page, stream(_WORDS), _FONT, file, spec)


def active(lure: Lure) -> bytes:
    actions = b"<</S/JavaScript/JS(app.launchURL('http://127.0.0.1:%d/'))>>" % lure.port
    launch = b"<</S/Launch/F(/bin/sh)/Next<</S/URI/URI(http://127.0.0.1:%d/)>>>>" % lure.port
    return one_page(
        stream(_WORDS), more=b"/AA<</O %s>>/Annots[<</Subtype/Link/A %s>>]" % (actions, launch)
    )


def pickled_map(lure: Lure) -> bytes:
    """A font whose character map is a path: one parser unpickled what it named."""
    path = lure.path.encode().replace(b"/", b"#2F")
    font = b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/%s/DescendantFonts[5 0 R]>>" % path
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    page += b"/Resources<</Font<</F1 6 0 R/F2 5 0 R>>>>>>"
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    words = _WORDS.replace(b"/F1", b"/F2") + _WORDS
    return pdf(_CATALOG, pages, page, stream(words), _FONT, font)


# -- office, books, mail, web ----------------------------------------------------------------


def laughs(n_levels: int = 10) -> str:
    entities = ['<!ENTITY e0 "ha">']
    entities += [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, n_levels)]
    return f"<!DOCTYPE x [{''.join(entities)}]>"


def docx_of(document: str, **more: str | bytes) -> bytes:
    """The parts of a harmless DOCX with another main part."""
    with ZipFile(BytesIO(docx(""))) as known:
        files = {name: known.read(name) for name in known.namelist()}
    return archive({**files, "word/document.xml": document, **more})


def paragraph(text: str) -> str:
    return f"<w:document {_W}><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"


def entity(lure: Lure) -> bytes:
    dtd = f'<!DOCTYPE x [<!ENTITY x SYSTEM "file://{lure.path}">]>'
    return docx_of(f"<?xml version='1.0'?>{dtd}{paragraph(HARMLESS + ' &x;')}")


def flooded(_: Lure) -> bytes:
    """A picture of 144 million pixels in a text, and one that claims to be larger still."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    links = "".join(
        f'<Relationship Id="p{n}" Type="{kind}/image" Target="media/{n}.png"/>' for n in (1, 2)
    )
    shown = "".join(
        f'<a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        f'xmlns:r="{kind}" r:embed="p{n}"/>'
        for n in (1, 2)
    )
    text = paragraph(HARMLESS).replace("</w:p>", f"<w:r>{shown}</w:r></w:p>")
    links = f'<Relationships xmlns="{package}">{links}</Relationships>'
    return docx_of(
        text,
        **{
            "word/_rels/document.xml.rels": links,
            "word/media/1.png": png(12_000, 12_000, colour=2),
            "word/media/2.png": png_claim(_),
        },
    )


def remote_template(lure: Lure) -> bytes:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"
    links = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{kind}" TargetMode="External" '
        f'Target="http://127.0.0.1:{lure.port}/x.dotm"/></Relationships>'
    )
    return docx_of(paragraph(HARMLESS), **{"word/_rels/settings.xml.rels": links})


def packed_bomb(name: str, main: str, n_bytes: int) -> bytes:
    """A package whose main part is spaces without end."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr(name, "<x/>")
        with file.open(main, "w") as part:
            for _ in range(n_bytes >> 20):
                part.write(b" " * (1 << 20))
    return out.getvalue()


def overlapping(_: Lure) -> bytes:
    """A package of 1,000 entries that are all the same bytes."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("word/document.xml", b" " * (4 << 20))
        for n in range(1000):
            again = ZipInfo(f"word/{n}.xml")
            known = file.getinfo("word/document.xml")
            again.header_offset, again.compress_type = known.header_offset, ZIP_DEFLATED
            again.file_size, again.compress_size = known.file_size, known.compress_size
            again.CRC = known.CRC
            file.filelist.append(again)
    return out.getvalue()


def linked(lure: Lure) -> bytes:
    """A package with a symbolic link and names that climb."""
    out = BytesIO(docx_of(paragraph(HARMLESS)))
    with ZipFile(out, "a") as file:
        link = ZipInfo("word/link.xml")
        link.external_attr = 0o120777 << 16
        file.writestr(link, lure.path)
        file.writestr("../../../../../../tmp/climbed.xml", "x")
        file.writestr("/tmp/absolute.xml", "x")
    return out.getvalue()


def mail(_: Lure) -> bytes:
    """Attachments whose names climb out of any directory."""
    names = ["../../climbed", "/tmp/absolute", "C:\\windows\\x", "..", "."]
    parts = "".join(
        "--b\r\nContent-Type: text/plain\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\nx\r\n'
        for name in names
    )
    head = "From: a@b\r\nTo: c@d\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return f"{head}--b\r\nContent-Type: text/plain\r\n\r\n{HARMLESS}\r\n{parts}--b--\r\n".encode()


def nested_mail(_: Lure) -> bytes:
    """Mails in mails, a thousand deep."""
    head = "From: a@b\r\nTo: c@d\r\nSubject: s\r\nContent-Type: message/rfc822\r\n\r\n"
    return (head * 1000 + "From: a@b\r\n\r\nx").encode()


def nested_page(_: Lure) -> bytes:
    return b"<html><body>" + b"<div>" * 200_000 + HARMLESS.encode()


def sheet(rows: str, dimension: str = "A1:XFD1048576") -> bytes:
    """An XLSX of one sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    return archive(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/s.xml" ContentType="{kinds}.worksheet+xml"/>'
            "</Types>",
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" '
            f'Type="{rels}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rels}"><sheets>'
            '<sheet name="one" sheetId="1" r:id="s"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="s" Type="{rels}/worksheet" Target="worksheets/s.xml"/>'
            "</Relationships>",
            "xl/worksheets/s.xml": f'<worksheet xmlns="{main}"><dimension ref="{dimension}"/>'
            f"<sheetData>{rows}</sheetData></worksheet>",
        }
    )


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def wide_sheet(_: Lure) -> bytes:
    """Two cells at the far corners of the largest sheet there is."""
    rows = f'<row r="1">{cell("A1", HARMLESS)}</row>'
    rows += f'<row r="1048576">{cell("XFD1048576", "end")}</row>'
    return sheet(rows)


def laughing_sheet(_: Lure) -> bytes:
    with ZipFile(BytesIO(sheet(f'<row r="1">{cell("A1", "&e9;")}</row>'))) as known:
        files = {name: known.read(name) for name in known.namelist()}
    files["xl/worksheets/s.xml"] = laughs().encode() + files["xl/worksheets/s.xml"]
    return archive(files)


_BIG, _NONE = (MediaTooLarge,), (UnsupportedMedia,)
_PAGES, _OFFICE = "PDF pages and boxes", "office entities, links and bombs"
_ARCHIVE = "archive tricks"

ROWS = [
    Row("PDF nested Flate", "flate.pdf", nested_flate, _BIG, says="unpacks to more"),
    Row(_PAGES, "loop.pdf", page_loop),
    Row(_PAGES, "million.pdf", million_pages, REFUSED),
    Row(_PAGES, "deep.pdf", deep),
    Row(_PAGES, "box.pdf", same(one_page(stream(_WORDS), box=b"0 0 1e9 1e9"))),
    Row(_PAGES, "thin.pdf", same(one_page(stream(_WORDS), box=b"0 0 1e7 0.001"))),
    Row(_PAGES, "picture.pdf", picture_flood),
    Row("PDF active content", "active.pdf", active, says=HARMLESS),
    Row("pickle inside a parser", "map.pdf", pickled_map),
    Row("attachment path traversal", "mail.eml", mail, says=HARMLESS),
    Row("attachment path traversal", "files.pdf", shared_attachments, says=HARMLESS),
    Row("nesting", "deep.eml", nested_mail, (UnreadableMedia,), "nested too deep"),
    Row(_ARCHIVE, "linked.docx", linked, says=HARMLESS),
    Row(_ARCHIVE, "overlapping.docx", overlapping, _BIG),
    Row(_ARCHIVE, "zeros.gz", same(b"\x1f\x8b\x08" + bytes(7) + deflated_zeros(64 << 20)), _NONE),
    Row(_OFFICE, "entity.docx", entity, ()),
    Row("pixel flood", "flooded.docx", flooded, says=HARMLESS),
    Row(_OFFICE, "template.docx", remote_template, says=HARMLESS),
    Row(
        _OFFICE, "bomb.docx", lambda _: packed_bomb("word/x", "word/document.xml", 100 << 20), _BIG
    ),
    Row(_OFFICE, "bomb.xlsx", lambda _: packed_bomb("xl/x", "xl/workbook.xml", 100 << 20), _BIG),
    Row(_OFFICE, "laughs.docx", lambda _: docx_of(laughs() + paragraph("&e9;")), REFUSED),
    Row(_OFFICE, "laughs.xlsx", laughing_sheet, REFUSED),
    Row(_OFFICE, "wide.xlsx", wide_sheet, says=HARMLESS),
    Row(_OFFICE, "laughs.epub", lambda _: epub(laughs() + "<p>&e9;</p>")),
    Row("nesting", "deep.html", nested_page),
    Row("nesting", "deep.rtf", same(b"{\\rtf1 " + b"{" * 200_000 + b"x" + b"}" * 200_000 + b"}")),
    Row("model files", "weights.pt", same(archive({"x/data.pkl": b"cos\nsystem\n."})), _NONE),
    Row("model files", "weights.zip", same(archive({"x/data.pkl": b"cos\nsystem\n."}))),
    Row("model files", "weights.pkl", same(b"\x80\x04cos\nsystem\n(S'true'\ntR."), _NONE),
    Row("zero bytes", "zero.pdf", same(b""), (UnreadableMedia,), "0 bytes"),
]
