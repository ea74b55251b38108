"""Pictures inside documents: which of them are figures, as images of the document's pages."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.asset import ArtifactKind
from schemas.errors import Failure, MediaTooLarge, UnreadableMedia
from schemas.segment import Box, Page
from workers.media.image_tar import ImageTarWriter
from workers.media.media_file import READING_EDGE_PX, MediaFile
from workers.media.page_images import part_of_page, shrunk
from workers.stage import ArtifactFile, Prepared

if TYPE_CHECKING:
    from PIL.Image import Image

#: What is on more pages than this is a logo, a background or a bullet.
_MOST_PAGES = 3
#: Smaller than this on the short edge, or thinner than this, it is an icon, a rule or a frame.
_SMALLEST_PX, _THINNEST = 64, 1 / 12
#: Grey values that an image must differ by to show anything.
_LEAST_CONTRAST = 12
#: CPU seconds for all figures of a document: its text must not pass a limit because of them.
_MOST_S = 10.0
#: Pictures that can't be read, told one by one.
_N_FAILURES = 20

_OPENXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"
_FINDERS = {
    f"{_OPENXML}.wordprocessingml.document": "workers.media.office_figures:find_in_word",
    f"{_OPENXML}.presentationml.presentation": "workers.media.office_figures:find_in_slides",
    f"{_OPENXML}.spreadsheetml.sheet": "workers.media.office_figures:find_in_sheets",
    f"{_ODF}.text": "workers.media.office_figures:find_in_opendocument",
    f"{_ODF}.presentation": "workers.media.office_figures:find_in_opendocument",
    f"{_ODF}.spreadsheet": "workers.media.office_figures:find_in_opendocument",
    "application/vnd.ms-powerpoint": "workers.media.ppt_figures:find_in_ppt",
    "application/epub+zip": "workers.media.markup_figures:find_in_book",
    "text/html": "workers.media.markup_figures:find_in_page",
}


class Candidate(NamedTuple):
    """A picture in a document, not decoded yet."""

    #: 1-based; 1 where the format has no pages.
    page: int
    #: The same for the same picture, wherever it is shown.
    digest: str
    #: The picture, upright, of mode RGB or L; None where it is of a kind that is not read.
    load: Callable[[], "Image | None"]
    #: Where on the page, if the format says.
    box: Box | None = None


#: Gives the candidates in order; they can be loaded while it is open.
Finder = Callable[[MediaFile], AbstractContextManager[Sequence[Candidate]]]


def with_figures(media: MediaFile, prepared: Prepared) -> Prepared:
    """Add the figures of a document whose reader found none while it read."""
    if media.mime_type not in _FINDERS or not media.limits.n_figures:
        return prepared
    with _import_finder(media.mime_type)(media) as candidates:
        return add_figures(media, prepared, candidates)


def add_figures(media: MediaFile, prepared: Prepared, candidates: Iterable[Candidate]) -> Prepared:
    """Write those of the candidates that are figures; one that is broken is a failure."""
    figures = _Figures(media)
    figures.add(candidates)
    if not figures.found and not figures.failures:
        return prepared
    extra = {**prepared.facts.extra, **figures.found}
    return replace(
        prepared,
        facts=prepared.facts.model_copy(update={"extra": extra}),
        artifacts=[*prepared.artifacts, *figures.close()],
        failures=[*prepared.failures, *figures.failures],
    )


def select(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The first showing of each picture that is not all over the document, in order."""
    shown: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        shown[candidate.digest].append(candidate)
    return [
        showings[0]
        for showings in shown.values()
        if len({candidate.page for candidate in showings}) <= _MOST_PAGES
    ]


def shows_something(image: "Image") -> bool:
    """Whether an image is large enough, no rule, and not of one colour."""
    short_px, long_px = sorted(image.size)
    if short_px < _SMALLEST_PX or short_px < _THINNEST * long_px:
        return False
    extrema: Any = shrunk(image, _SMALLEST_PX).convert("L").getextrema()
    return bool(extrema[1] - extrema[0] >= _LEAST_CONTRAST)


class _Figures:
    """Writes figures in order of pages; 32 pages make a part."""

    def __init__(self, media: MediaFile) -> None:
        self._media = media
        self._writers: dict[int, ImageTarWriter] = {}
        self._digests: set[str] = set()
        #: Facts: how many there are, and how many are left out for a limit.
        self.found: dict[str, int] = {}
        self.failures: list[Failure] = []

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Decode and write what is a figure, up to the limits."""
        until_s = time.process_time() + _MOST_S
        selected = select(candidates)
        n_figures = 0
        for number, candidate in enumerate(selected):
            if n_figures >= self._media.limits.n_figures or time.process_time() > until_s:
                self.found["figures_left_out"] = len(selected) - number
                break
            n_figures += self._write(candidate)
        if n_figures:
            self.found["n_figures"] = n_figures

    def _write(self, candidate: Candidate) -> bool:
        try:
            image = candidate.load()
        except (UnreadableMedia, MediaTooLarge) as exc:
            if len(self.failures) < _N_FAILURES:
                self.failures.append(_failure(candidate.page, exc))
            return False
        if image is None or not shows_something(image) or self._is_known(image):
            return False
        writer = self._writer(part_of_page(candidate.page))
        writer.add(shrunk(image, READING_EDGE_PX), page=candidate.page, box=candidate.box)
        return True

    def _is_known(self, image: "Image") -> bool:
        """Whether the same picture, perhaps stored under another name, was written before."""
        digest = hashlib.sha1(image.tobytes(), usedforsecurity=False).hexdigest()
        is_known = digest in self._digests
        self._digests.add(digest)
        return is_known

    def _writer(self, part: int) -> ImageTarWriter:
        if part not in self._writers:
            path = self._media.scratch / f"figures-{part:04d}.tar"
            self._writers[part] = ImageTarWriter(path)
        return self._writers[part]

    def close(self) -> Sequence[ArtifactFile]:
        """Finish the files, in order of parts."""
        files = []
        for part, writer in sorted(self._writers.items()):
            writer.close()
            images, path = writer.images, writer.path
            kind = ArtifactKind.FIGURES
            files.append(ArtifactFile(kind=kind, part=part, path=path, images=images))
        return files


def _failure(page: int, error: Exception) -> Failure:
    category, message = type(error).__name__, f"page {page}: a picture: {error}"
    return Failure(category=category, message=message, stage="prepare", locator=Page(page=page))


def _import_finder(mime_type: str) -> Finder:
    module, _, function = _FINDERS[mime_type].partition(":")
    finder: Finder = getattr(import_module(module), function)
    return finder
