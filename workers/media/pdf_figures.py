"""Figures of PDFs: where pictures lie on a page, drawn with all that lies on them."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from ctypes import cast
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from schemas.errors import UnreadableMedia
from schemas.segment import Box
from workers.media.figures import Candidate
from workers.media.pdf_calls import form_object, object_type, page_object
from workers.media.pdf_display import Display, Rect

if TYPE_CHECKING:
    from PIL.Image import Image

#: Objects looked at on a page, and pictures that are put together.
_N_OBJECTS, _N_PICTURES = 10_000, 100
_MAX_DEPTH = 3
_KINDS = {pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM}
_OF_PAGE = (pdfium_c.FPDFPage_CountObjects, page_object)
_OF_FORM = (pdfium_c.FPDFFormObj_CountObjects, form_object)
#: Share of the page that a figure covers: less is an icon, more is a scan or a background.
_LEAST_SHARE, _MOST_SHARE = 0.01, 0.8
#: Pictures so close are tiles of one figure; as a share of the page.
_TOUCHING = 0.005
#: Resolution of figures, and the longest edge that a page is drawn with for them.
_SCALE, _LARGEST_EDGE_PX = 200 / 72, 2300


class _Picture(NamedTuple):
    box: Box
    digest: str


class PageFigures:
    """Pictures of pages, found while the page is read, drawn as long as the document is open."""

    def __init__(self, document: pdfium.PdfDocument) -> None:
        self._document = document
        #: In order of pages; those that touch are one.
        self.candidates: list[Candidate] = []

    def look(self, page: pdfium.PdfPage, number: int) -> None:
        """Find the figures of a page; the text of one whose objects are broken is kept."""
        with suppress(pdfium.PdfiumError):
            figures = _joined(_pictures(page))
            self.candidates += [
                Candidate(
                    page=number,
                    digest=figure.digest,
                    load=partial(_draw, self._document, number, figure.box),
                    box=figure.box,
                )
                for figure in figures
                if _LEAST_SHARE <= _share(figure.box) <= _MOST_SHARE
            ]


def _pictures(page: pdfium.PdfPage) -> Iterator[_Picture]:
    for item in islice(_images(page, iter(range(_N_OBJECTS))), _N_PICTURES):
        if box := Display(page).box(_bounds(item)):
            data = bytes(item.get_data(decode_simple=False))
            yield _Picture(box, hashlib.sha1(data, usedforsecurity=False).hexdigest())


def _images(
    page: pdfium.PdfPage, left: Iterator[int], form: pdfium.PdfObject | None = None, depth: int = 1
) -> Iterator[pdfium.PdfImage]:
    """Pictures of a page and of the forms on it; looks at as many objects as there are in `left`.

    `PdfPage.get_objects` does the same, but wraps every object, which takes four times as long.
    """
    parent: Any = form or page.raw
    count, get = _OF_FORM if form else _OF_PAGE
    for index, _ in zip(range(count(parent)), left, strict=False):
        address = get(parent, index)
        kind = object_type(address)
        if kind not in _KINDS:
            continue
        item = pdfium.PdfObject(cast(address, pdfium_c.FPDF_PAGEOBJECT), page=page, container=form)
        if kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            yield item
        elif depth < _MAX_DEPTH:
            yield from _images(page, left, item, depth + 1)


def _bounds(item: pdfium.PdfObject) -> Rect:
    """Where a picture is on its page; inside a form it says only where in the form."""
    left, bottom, right, top = item.get_bounds()
    container = item.container
    while container is not None:
        matrix = container.get_matrix()
        left, bottom, right, top = matrix.on_rect(left, bottom, right, top)
        container = container.container
    return left, bottom, right, top


def _joined(pictures: Iterable[_Picture]) -> list[_Picture]:
    """Pictures that touch as one, until none does."""
    joined: list[_Picture] = []
    for picture in pictures:
        one = picture
        while touching := next((other for other in joined if _touch(one.box, other.box)), None):
            joined.remove(touching)
            one = _Picture(_union(one.box, touching.box), f"{touching.digest}+{one.digest}"[:400])
        joined.append(one)
    return joined


def _touch(a: Box, b: Box) -> bool:
    return (
        a.x0 <= b.x1 + _TOUCHING
        and b.x0 <= a.x1 + _TOUCHING
        and a.y0 <= b.y1 + _TOUCHING
        and b.y0 <= a.y1 + _TOUCHING
    )


def _union(a: Box, b: Box) -> Box:
    return Box(min(a.x0, b.x0), min(a.y0, b.y0), max(a.x1, b.x1), max(a.y1, b.y1))


def _share(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def _draw(document: pdfium.PdfDocument, number: int, box: Box) -> "Image":
    """A figure with the words and lines that lie on it.

    Raises:
        UnreadableMedia: the page can't be drawn.
    """
    try:
        with closing(document[number - 1]) as page:
            width, height = page.get_size()
            scale = min(_SCALE, (_LARGEST_EDGE_PX - 0.01) / max(width, height))
            left, top = box.x0 * width, box.y0 * height
            right, bottom = (1 - box.x1) * width, (1 - box.y1) * height
            crop = (left, bottom, right, top)
            drawn: Image = page.render(scale=scale, crop=crop, rev_byteorder=True).to_pil()
            return drawn
    except pdfium.PdfiumError as exc:
        raise UnreadableMedia(f"page {number}: {exc}") from exc
