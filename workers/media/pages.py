"""PDF: text layers in reading order, small pages, and scans for OCR; one page at a time."""

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from schemas.errors import EncryptedMedia, Failure, MediaTooLarge, UnreadableMedia
from schemas.segment import Page
from workers.media.figures import add_figures
from workers.media.media_file import READING_EDGE_PX, SMALL_EDGE_PX, MediaFile
from workers.media.page_images import PageImages
from workers.media.page_text import PageTexts
from workers.media.pdf_attachments import add_attachments
from workers.media.pdf_facts import document_facts
from workers.media.pdf_figures import PageFigures
from workers.media.pdf_scan import needs_ocr
from workers.media.pdf_streams import check_streams
from workers.media.pdf_text import read_lines
from workers.stage import Prepared

if TYPE_CHECKING:
    from PIL.Image import Image

#: Scans are rendered at 200 dpi, but at least at reading size and at most so large; a scan's
#: page size is often arbitrary, and text lines need about 20 pixels.
_READING_SCALE = 200 / 72
_LARGEST_EDGE_PX = 2300

_PASSWORD_ERRORS = {pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY}


def read_pdf(media: MediaFile) -> Prepared:
    """Read a PDF. A page that cannot be read is a failure of that page alone.

    Raises:
        EncryptedMedia: it needs a password that is not among those of `media`.
        UnreadableMedia: it is no PDF, has no page, or none of its pages can be read.
        MediaTooLarge: it has more pages than allowed, or a stream that unpacks to too much.
    """
    check_streams(media)
    with open_pdf(media) as document:
        n_pages = len(document)
        if not n_pages:
            raise UnreadableMedia(f"{media.name}: the PDF has no pages")
        if n_pages > media.limits.n_pages:
            limit = media.limits.n_pages
            raise MediaTooLarge(f"{media.name}: {n_pages} pages, at most {limit} are read")
        reading = _Reading(media, document)
        for number in range(1, n_pages + 1):
            reading.read_page(number)
        prepared = add_figures(media, reading.finish(), reading.figures.candidates)
        return add_attachments(media, prepared, document)


def open_pdf(media: MediaFile) -> pdfium.PdfDocument:
    """Open a PDF, with one of the passwords where it is locked.

    Raises:
        EncryptedMedia: no password fits.
        UnreadableMedia: it is no PDF that PDFium reads.
    """
    document = next(filter(None, (_try(media, p) for p in (None, *media.passwords))), None)
    if document is None:
        tried = f"; none of {len(media.passwords)} opens it" if media.passwords else ""
        raise EncryptedMedia(f"{media.name}: the PDF needs a password{tried}")
    with suppress(pdfium.PdfiumError):  # a broken form leaves the pages readable
        document.init_forms()
    return document


def _try(media: MediaFile, password: str | None) -> pdfium.PdfDocument | None:
    """Open it; None if the password is wrong."""
    try:
        return pdfium.PdfDocument(media.path, password=password)
    except pdfium.PdfiumError as exc:
        if exc.err_code in _PASSWORD_ERRORS:
            return None
        raise UnreadableMedia(f"{media.name}: not a readable PDF: {exc}") from exc


class _Reading:
    """What has been read of one document so far."""

    def __init__(self, media: MediaFile, document: pdfium.PdfDocument) -> None:
        self.media = media
        self.document = document
        self.images = PageImages(media.scratch)
        self.texts = PageTexts()
        self.figures = PageFigures(document)
        self.failures: list[Failure] = []
        self.rotations: list[int] = []
        self.n_text_pages = self.n_scan_pages = self.n_chars = 0

    def read_page(self, number: int) -> None:
        """Read one page; what PDFium refuses becomes a failure."""
        try:
            with closing(self._load(number)) as page:
                self.rotations.append(page.get_rotation())
                with closing(page.get_textpage()) as textpage:
                    self._read_loaded(page, textpage, number)
                if self.media.limits.n_figures:
                    self.figures.look(page, number)
        except pdfium.PdfiumError as exc:
            self.failures.append(
                Failure(
                    category=UnreadableMedia.__name__,
                    message=f"page {number}: {exc}",
                    stage="prepare",
                    locator=Page(page=number),
                )
            )

    def _load(self, number: int) -> pdfium.PdfPage:
        page = self.document[number - 1]
        if self.document.formenv:
            # What was typed into a form becomes text of the page.
            with suppress(pdfium.PdfiumError):
                page.flatten()
            page.close()
            page = self.document[number - 1]
        return page

    def _read_loaded(self, page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, number: int) -> None:
        text = textpage.get_text_range(errors="replace")
        if needs_ocr(page, textpage, text):
            self.n_scan_pages += 1
            image = _render(page, _reading_scale(page))
            self.images.add_scan(image, number)
            self.images.add_page(image, number)
            return
        self.images.add_page(_render(page, (SMALL_EDGE_PX - 0.01) / max(page.get_size())), number)
        if self.n_chars < self.media.limits.n_chars:
            lines = read_lines(page, textpage, text)
            self.n_text_pages += bool(lines)
            self.n_chars += len(text)
            self.texts.add(lines, number)

    def finish(self) -> Prepared:
        """Close the artifacts and sum up."""
        artifacts = self.images.close()
        if len(self.failures) == len(self.document):
            first = self.failures[0].message
            raise UnreadableMedia(f"{self.media.name}: no page can be read; {first}")
        facts = self.media.facts(n_pages=len(self.document), extra=self._facts())
        texts = self.texts.parts()
        return Prepared(facts=facts, artifacts=artifacts, texts=texts, failures=self.failures)

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            **document_facts(self.document),
            "n_text_pages": self.n_text_pages,
            "n_scan_pages": self.n_scan_pages,
        }
        if any(self.rotations):
            facts["page_rotations"] = self.rotations
        if self.n_chars >= self.media.limits.n_chars:
            facts["text_truncated"] = True
        return facts


def _reading_scale(page: pdfium.PdfPage) -> float:
    edge: float = max(page.get_size())
    wanted_px = min(max(edge * _READING_SCALE, READING_EDGE_PX), _LARGEST_EDGE_PX)
    return (wanted_px - 0.01) / edge


def _render(page: pdfium.PdfPage, scale: float) -> "Image":
    image: Image = page.render(scale=scale, rev_byteorder=True).to_pil()
    return image
