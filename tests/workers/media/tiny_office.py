"""Office files of a few hundred bytes, made for one test each."""

import zipfile
from io import BytesIO

OPENXML = "application/vnd.openxmlformats-officedocument"
DOCX = f"{OPENXML}.wordprocessingml.document"
PPTX = f"{OPENXML}.presentationml.presentation"
XLSX = f"{OPENXML}.spreadsheetml.sheet"
ODP = "application/vnd.oasis.opendocument.presentation"
EPUB = "application/epub+zip"
EML = "message/rfc822"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def archive(files: dict[str, str | bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return buffer.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"


def docx(body: str, parts: dict[str, str] | None = None) -> bytes:
    """A DOCX with a body and, by kind (`numbering`, `header`), what else it holds."""
    package = "http://schemas.openxmlformats.org/package/2006"
    types = (
        f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{DOCX}.main+xml"/></Types>'
    )
    names = (
        f'xmlns:w="{WORD}" xmlns:r="{_OFFICE}/relationships" xmlns:m="{_OFFICE}/math" '
        'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    )

    def relations(targets: dict[str, str]) -> str:
        entries = "".join(
            f'<Relationship Id="{kind}" Type="{_OFFICE}/relationships/{kind}" Target="{target}"/>'
            for kind, target in targets.items()
        )
        return f'<Relationships xmlns="{package}/relationships">{entries}</Relationships>'

    inside = parts or {}
    return archive(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": relations({"officeDocument": "word/document.xml"}),
            "word/_rels/document.xml.rels": relations({kind: f"{kind}.xml" for kind in inside}),
            "word/document.xml": f"<w:document {names}><w:body>{body}</w:body></w:document>",
            **{f"word/{kind}.xml": f"<w:root {names}>{x}</w:root>" for kind, x in inside.items()},
        }
    )


def epub(*chapters: str, **extra: str) -> bytes:
    items = "".join(f'<item id="c{i}" href="text/c%20{i}.xhtml"/>' for i in range(len(chapters)))
    refs = "".join(f'<itemref idref="c{i}"/>' for i in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata>'
        '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/"> A book </dc:title></metadata>'
        f'<manifest>{items}</manifest><spine>{refs}<itemref idref="lost"/></spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="O/p.opf"/></rootfiles></container>'
    texts = {f"O/text/c {i}.xhtml": text for i, text in enumerate(chapters)}
    return archive({"META-INF/container.xml": container, "O/p.opf": package, **texts, **extra})


def opendocument(kind: str, content: str, styles: str = "", **extra: str) -> bytes:
    """An OpenDocument file: `text`, `spreadsheet` or `presentation`, its body and its styles."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{uri}:1.0"'
        for name, uri in [
            ("office", "office"),
            ("text", "text"),
            ("table", "table"),
            ("draw", "drawing"),
            ("style", "style"),
            ("svg", "svg-compatible"),
            ("chart", "chart"),
            ("presentation", "presentation"),
        ]
    )
    names += (
        ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    )
    body = f"<office:body><office:{kind}>{content}</office:{kind}></office:body>"
    automatic = f"<office:automatic-styles>{styles}</office:automatic-styles>"
    return archive(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {names}>{automatic}{body}"
            "</office:document-content>",
            **{
                name.replace("_", "."): f"<office:document {names}>{inner}</office:document>"
                for name, inner in extra.items()
            },
        }
    )
