import zipfile

import pypdfium2
from PIL import Image

from demo.documents import write_docx, write_pdf


def test_pdf_has_text_pages_and_a_scanned_one(tmp_path):
    path = tmp_path / "guide.pdf"

    write_pdf(path, [("Title", "one line")], [Image.new("RGB", (40, 30))], ("Scan",))

    document = pypdfium2.PdfDocument(path)
    texts = [page.get_textpage().get_text_range().split() for page in document]
    assert texts == [["Title", "one", "line"], []]


def test_docx_holds_its_text_in_order(tmp_path):
    path = tmp_path / "list.docx"

    write_docx(path, "Title & more", ["a line"], [("left", "right")])

    document = zipfile.ZipFile(path).read("word/document.xml").decode()
    found = [document.index(text) for text in ("Title &amp; more", "a line", "left", "right")]
    assert found == sorted(found)
