"""Tesseract (Smith 2007, https://doi.org/10.1109/ICDAR.2007.4376991), where its program is.

One process a page, on one thread, with a time limit and an empty environment; it is given JPEGs
that our own code wrote, on its standard input.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from typing import NamedTuple

from schemas.errors import ConfigurationError, MediaTooLarge, UnreadableMedia
from schemas.segment import Box
from schemas.stages import ModelRef
from workers.device import Device
from workers.models.roles import TextLine, TextReader

#: Longest that one page may take; a full page takes a few seconds.
TIMEOUT_S = 300.0
DEFAULT_LANGUAGE = "eng"
#: Tesseract's data for finding out which way up a page is.
_ORIENTATION = "osd"
#: Page segmentation with orientation, and without.
_TURNING, _UPRIGHT = 1, 3
#: Lines less certain than this are noise; 0.3 already loses words of receipts.
_MIN_CONFIDENCE = 0.2
#: Rows of the table that Tesseract prints, by its `level` column.
_PAGE, _LINE, _WORD = "1", "4", "5"
_N_COLUMNS = 12
#: Scripts without spaces between words; Tesseract puts one between all it finds.
_CJK = "[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
_SPACE_IN_CJK = re.compile(f"(?<={_CJK}) (?={_CJK})")


class Tesseract(TextReader):
    """Lines as Tesseract finds, orders and reads them."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        super().__init__(ref, device)
        self._binary = find_binary(ref)
        language = str(ref.parameters.get("language", DEFAULT_LANGUAGE))
        installed = self._languages()
        if absent := [name for name in language.split("+") if name not in installed]:
            raise ConfigurationError(
                f"ocr language {', '.join(absent)}: tesseract has {', '.join(sorted(installed))};"
                " install its language data, on Debian `tesseract-ocr-LANGUAGE`"
            )
        layout = _TURNING if _ORIENTATION in installed else _UPRIGHT
        layout = int(ref.parameters.get("page_segmentation", layout))
        self._options = ["-l", language, "--psm", str(layout), "tsv"]

    def decode(self, source: bytes) -> bytes:
        """Check that there is an image; Tesseract decodes it itself."""
        from PIL import Image

        try:
            with Image.open(BytesIO(source)) as image:
                image.load()
        except OSError as exc:
            raise UnreadableMedia(f"image artifact: {exc}") from exc
        return source

    def read_lines(self, image: bytes) -> list[TextLine]:
        return [
            line
            for line in parse_lines(self._run(["stdin", "stdout", *self._options], image))
            if line.confidence >= _MIN_CONFIDENCE
        ]

    def _languages(self) -> set[str]:
        """Names of the installed languages; the first line is a heading."""
        return set(self._run(["--list-langs"]).split("\n")[1:]) - {""}

    def _run(self, arguments: list[str], given: bytes = b"") -> str:
        try:
            done = subprocess.run(
                [self._binary, *arguments],
                input=given,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=True,
                env={"OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"},
            )
        except subprocess.TimeoutExpired as exc:
            raise MediaTooLarge(f"tesseract: not done with a page in {TIMEOUT_S:.0f} s") from exc
        except subprocess.CalledProcessError as exc:
            said = exc.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise UnreadableMedia(f"tesseract: exit status {exc.returncode}, {said}") from exc
        return done.stdout.decode("utf-8", errors="replace")


def find_binary(ref: ModelRef) -> str:
    """Path of the program that `binary:NAME` names.

    Raises:
        ConfigurationError: it is not on this machine's PATH.
    """
    name = ref.source.removeprefix("binary:")
    path = shutil.which(name)
    if path is None:
        raise ConfigurationError(f"{name}: no such program; on Debian `apt install tesseract-ocr`")
    return path


class _Row(NamedTuple):
    level: str
    #: Page, block, paragraph and line: rows of one line share it.
    line: tuple[str, ...]
    left: int
    top: int
    width: int
    height: int
    confidence: float
    text: str


def parse_lines(table: str) -> Iterator[TextLine]:
    """Lines of Tesseract's TSV in its own order; boxes on the page as it was given.

    A line is as certain as its words are on average.
    """
    rows = [row for row in map(_parse_row, table.split("\n")[1:]) if row]
    page = next((row for row in rows if row.level == _PAGE), None)
    if page is None:
        return
    in_lines = (row for row in rows if row.level in {_LINE, _WORD})
    for _, group in groupby(in_lines, key=lambda row: row.line):
        line, *words = group
        words = [word for word in words if word.text.strip()]
        if words:
            text = _SPACE_IN_CJK.sub("", " ".join(word.text.strip() for word in words))
            confidence = sum(word.confidence for word in words) / len(words) / 100
            yield TextLine(_box(line, page), text, min(max(confidence, 0.0), 1.0))


def _parse_row(text: str) -> _Row | None:
    cells = text.split("\t")
    if len(cells) != _N_COLUMNS:
        return None
    left, top, width, height = (int(cell) for cell in cells[6:10])
    return _Row(cells[0], tuple(cells[1:5]), left, top, width, height, float(cells[10]), cells[11])


def _box(line: _Row, page: _Row) -> Box:
    return Box(
        line.left / page.width,
        line.top / page.height,
        (line.left + line.width) / page.width,
        (line.top + line.height) / page.height,
    )
