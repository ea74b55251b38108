"""The sample documents: a PDF with a text layer and a scanned page, and a DOCX."""

import ctypes
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageDraw, ImageFilter, ImageFont

#: A4 in points, 1/72 inch.
PAGE_PT = (595, 842)
_MARGIN_PT = 60
_SCAN_DPI = 150
_FIXED_DATE = (2026, 1, 1, 0, 0, 0)


def write_pdf(
    path: Path,
    pages: Sequence[Sequence[str]],
    pictures: Sequence[Image.Image],
    scan: Sequence[str],
) -> None:
    """Write pages of real text, each with a picture, and one page that is only an image.

    Args:
        path: where to write it.
        pages: lines of each text page; the first is its heading.
        pictures: one for each text page.
        scan: lines of the scanned page.
    """
    document = pypdfium2.PdfDocument.new()
    for lines, picture in zip(pages, pictures, strict=True):
        page = document.new_page(*PAGE_PT)
        for index, line in enumerate(lines):
            _add_line(document, page, line, index)
        _add_picture(document, page, picture, (_MARGIN_PT, 340, 420))
        page.gen_content()
    page = document.new_page(*PAGE_PT)
    _add_picture(document, page, _scanned(scan), (0, 0, PAGE_PT[0]))
    page.gen_content()
    document.save(path)
    document.close()


def _add_line(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, line: str, index: int
) -> None:
    size_pt = 22 if index == 0 else 13
    text = pdfium.FPDFPageObj_NewTextObj(document, b"Helvetica", size_pt)
    encoded = ctypes.create_string_buffer((line + "\0").encode("utf-16-le"))
    pdfium.FPDFText_SetText(text, ctypes.cast(encoded, ctypes.POINTER(ctypes.c_ushort)))
    top_pt = PAGE_PT[1] - _MARGIN_PT - 22 - index * 24
    pdfium.FPDFPageObj_Transform(text, 1, 0, 0, 1, _MARGIN_PT, top_pt)
    pdfium.FPDFPage_InsertObject(page, text)


def _add_picture(
    document: pypdfium2.PdfDocument,
    page: pypdfium2.PdfPage,
    picture: Image.Image,
    place_pt: tuple[int, int, int],
) -> None:
    """Put a picture at (left, bottom, width)."""
    left, bottom, width = place_pt
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=70)
    image = pypdfium2.PdfImage.new(document)
    image.load_jpeg(jpeg)
    height = width * picture.height / picture.width
    image.set_matrix(pypdfium2.PdfMatrix().scale(width, height).translate(left, bottom))
    page.insert_obj(image)


def _scanned(lines: Sequence[str]) -> Image.Image:
    """A page as a scanner sees it: slightly turned, soft, not quite white."""
    scale = _SCAN_DPI / 72
    image = Image.new("L", (round(PAGE_PT[0] * scale), round(PAGE_PT[1] * scale)), 246)
    canvas = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        font = ImageFont.load_default((24 if index == 0 else 15) * scale)
        canvas.text((70 * scale, (80 + index * 34) * scale), line, fill=30, font=font)
    turned = image.rotate(0.6, resample=Image.Resampling.BICUBIC, fillcolor=246)
    return turned.filter(ImageFilter.GaussianBlur(0.6))


def write_docx(
    path: Path, title: str, paragraphs: Sequence[str], table: Sequence[Sequence[str]]
) -> None:
    """Write a DOCX with a heading, paragraphs and a table."""
    body = _paragraph(title, "Heading1") + "".join(_paragraph(text) for text in paragraphs)
    rows = "".join(f"<w:tr>{''.join(_cell(text) for text in row)}</w:tr>" for row in table)
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    content = f"<w:body>{body}<w:tbl><w:tblPr/><w:tblGrid/>{rows}</w:tbl>{_paragraph('')}</w:body>"
    parts = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _RELATIONS,
        "word/document.xml": f'{_XML}<w:document xmlns:w="{namespace}">{content}</w:document>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _FIXED_DATE), text)


def _paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def _cell(text: str) -> str:
    return f"<w:tc>{_paragraph(text)}</w:tc>"


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OPC = "http://schemas.openxmlformats.org/package/2006"
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="{_OPC}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN_TYPE}"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_RELATIONS = (
    f'{_XML}<Relationships xmlns="{_OPC}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}" Target="word/document.xml"/></Relationships>'
)
