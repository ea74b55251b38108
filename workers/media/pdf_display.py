"""From the coordinates of a PDF page to fractions of the page as it is displayed."""

from ctypes import c_int

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from schemas.segment import Box

#: Device size for exact page-to-display arithmetic; PDFium rounds to whole pixels.
_GRID = 1 << 20
#: Length in points of the probes that measure a page's display matrix.
_PROBE = 1000.0

#: left, bottom, right, top in points.
Rect = tuple[float, float, float, float]


class Display:
    """Turns page coordinates into fractions of the displayed page, rotation included."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        width, height = page.get_size()
        self.aspect = width / height
        (self._x, self._y), right, up = (
            _shown(page, *p) for p in ((0, 0), (_PROBE, 0), (0, _PROBE))
        )
        self._xx, self._yx = (right[0] - self._x) / _PROBE, (right[1] - self._y) / _PROBE
        self._xy, self._yy = (up[0] - self._x) / _PROBE, (up[1] - self._y) / _PROBE

    def box(self, rect: Rect) -> Box | None:
        """The part of a rectangle that is shown; None when it lies outside the page."""
        left, bottom, right, top = rect
        xa, xb = self._x + left * self._xx, self._x + right * self._xx
        ya, yb = self._y + bottom * self._yy, self._y + top * self._yy
        if self._xy or self._yx:
            xa, xb = xa + bottom * self._xy, xb + top * self._xy
            ya, yb = ya + left * self._yx, yb + right * self._yx
        x0, x1 = (xa, xb) if xa < xb else (xb, xa)
        y0, y1 = (ya, yb) if ya < yb else (yb, ya)
        if x0 < 0 or y0 < 0 or x1 > 1 or y1 > 1:
            x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
        return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _shown(page: pdfium.PdfPage, x: float, y: float) -> tuple[float, float]:
    device_x, device_y = c_int(), c_int()
    pdfium_c.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, x, y, device_x, device_y)
    return device_x.value / _GRID, device_y.value / _GRID
