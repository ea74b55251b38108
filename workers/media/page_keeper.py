"""What becomes of a page once PDFium has let go of it."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workers.media.page_images import PageImages
from workers.media.page_text import PageTexts
from workers.media.pdf_text import PageRuns, lines_of

if TYPE_CHECKING:
    from PIL.Image import Image

#: Pages that may wait; a scan takes 15 MB.
_MOST_WAITING = 4


class PageKeeper:
    """Encodes images and orders text on a thread of its own, page after page.

    Meanwhile PDFium, which is for one thread only, draws the next page. Leaving the context ends
    the thread.
    """

    def __init__(self, scratch: Path) -> None:
        #: Complete once `finish` has returned.
        self.images = PageImages(scratch)
        self.texts = PageTexts()
        self._thread = ThreadPoolExecutor(1, "page")
        self._waiting: deque[Future[None]] = deque()

    def keep(
        self,
        image: "Image",
        page: int,
        *,
        runs: PageRuns | None = None,
        is_scan: bool = False,
    ) -> None:
        """Take page number `page`; waits while too many do.

        Args:
            image: the page; at reading size if it is a scan.
            page: 1-based, in rising order.
            runs: its text layer.
            is_scan: whether it must be read by eye.
        """
        self._waiting.append(self._thread.submit(self._keep, image, page, runs, is_scan=is_scan))
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait until every page is kept."""
        while self._waiting:
            self._waiting.popleft().result()

    def _keep(self, image: "Image", page: int, runs: PageRuns | None, *, is_scan: bool) -> None:
        if is_scan:
            self.images.add_scan(image, page)
        self.images.add_page(image, page)
        if runs:
            self.texts.add(lines_of(runs), page)

    def __enter__(self) -> Self:
        """Already at work."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
