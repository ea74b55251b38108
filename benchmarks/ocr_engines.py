"""OCR engines on the same images: errors, words found, CPU seconds a page, as one JSON document.

`python -m benchmarks.ocr_engines [--receipts N]` reads receipts (every line with its box) and
scans (gold text) of `../shared/data`. Each engine gets the JPEG that `prepare` would write, and
one thread. CPU time of the process and its children is counted: it does not depend on what else
runs. Lines of engines and truths go through one reading order, so that engines are compared by
what they read.
"""

import argparse
import json
import resource
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from PIL import Image

from schemas.segment import Box
from schemas.stages import ModelRef
from workers.device import Device
from workers.media.image_tar import encode_jpeg
from workers.media.media_file import READING_EDGE_PX
from workers.media.page_images import shrunk
from workers.media.reading_order import reading_order
from workers.models.line_finder import decode_bgr
from workers.models.loading import load_model
from workers.models.rapidocr_weights import open_sessions
from workers.models.roles import TextReader

DOCUMENTS = Path(__file__).parents[1] / "../shared/data/document"
SCANS = ("ocr-scan/phototest.tif", "ocr-linn/linn.png")
N_RECEIPTS = 6

#: The default engine, with its own weights.
RAPIDOCR = ModelRef(source="package:rapidocr", revision="", family="rapidocr")
_CPU = Device("cpu", n_slots=1, n_threads=1)


@dataclass(frozen=True)
class Page:
    """An image as a stage gets it, and what is written on it."""

    jpeg: bytes
    text: str
    #: Width over height.
    aspect: float
    is_receipt: bool


@dataclass(frozen=True)
class Reading:
    """What an engine made of a page."""

    page: Page
    text: str
    cpu_s: float


class PlainRapidOcr:
    """RapidOCR called as its documentation shows, with its defaults, on one thread."""

    def __init__(self) -> None:
        from omegaconf import flag_override
        from rapidocr import RapidOCR

        self._engine: Any = RapidOCR(params={"Global.log_level": "critical"})
        with flag_override(self._engine.cfg, "allow_objects", values=True):
            for part, session in open_sessions(RAPIDOCR, 1).items():
                self._engine.cfg[part].session = session

    def read(self, jpeg: bytes) -> list[tuple[Box, str]]:
        """Boxes and texts of the lines."""
        image = decode_bgr(jpeg)
        read = self._engine(image)
        if read.boxes is None:
            return []
        corners = np.asarray(read.boxes) / image.shape[1::-1]  # (n_lines, 4, 2)
        boxes = [Box(*map(float, (*c.min(0), *c.max(0)))) for c in corners]
        return list(zip(boxes, read.txts, strict=True))


class Ours:
    """A family of this project."""

    def __init__(self, ref: ModelRef) -> None:
        self._reader = load_model(ref, _CPU, TextReader)

    def read(self, jpeg: bytes) -> list[tuple[Box, str]]:
        """Boxes and texts of the lines."""
        lines = self._reader.read_lines(self._reader.decode(jpeg))
        return [(line.box, line.text) for line in lines]


def main() -> None:
    """Print the figures of every engine that is on this machine."""
    parser = argparse.ArgumentParser(description="Compare OCR engines.")
    parser.add_argument("--receipts", type=int, default=N_RECEIPTS, help="how many receipts")
    pages = read_pages(parser.parse_args().receipts)
    figures = {}
    for name, engine in _engines().items():
        figures[name] = _figures([_read(engine, page) for page in pages])
        print(name, figures[name], file=sys.stderr, flush=True)
    kinds = {"receipts": sum(p.is_receipt for p in pages), "scans": len(SCANS)}
    print(json.dumps({"images": kinds, "engines": figures}, indent=2))


def _engines() -> dict[str, Any]:
    engines: dict[str, Any] = {
        "rapidocr": Ours(RAPIDOCR),
        "rapidocr_defaults": PlainRapidOcr(),
    }
    if shutil.which("tesseract"):
        engines["tesseract"] = Ours(_tesseract())
        engines["tesseract_upright"] = Ours(_tesseract(page_segmentation=3))
    return engines


def _tesseract(**parameters: Any) -> ModelRef:
    return ModelRef(
        source="binary:tesseract", revision="", family="tesseract", parameters=parameters
    )


def read_pages(n_receipts: int) -> list[Page]:
    """Receipts, spread over all that there are, and the scans."""
    receipts = sorted((DOCUMENTS / "receipts").glob("*.jpg"))
    chosen = receipts[:: max(1, len(receipts) // max(n_receipts, 1))][:n_receipts]
    return [_page(path) for path in [*chosen, *(DOCUMENTS / name for name in SCANS)]]


def _page(path: Path) -> Page:
    truth = json.loads(Path(f"{path}.gt.json").read_text())
    with Image.open(path) as image:
        size, jpeg = image.size, encode_jpeg(shrunk(image.convert("RGB"), READING_EDGE_PX))
    aspect = size[0] / size[1]
    lines = [(_box(line["quad"], size), line["text"]) for line in truth.get("lines", [])]
    text = truth.get("text") or _in_order(lines, aspect)
    return Page(jpeg, text, aspect, is_receipt=bool(lines))


def _box(quad: Sequence[float], size: tuple[int, int]) -> Box:
    xs, ys = ([v / edge for v in quad[i::2]] for i, edge in enumerate(size))
    return Box(min(xs), min(ys), max(xs), max(ys))


def _in_order(lines: Sequence[tuple[Box, str]], aspect: float) -> str:
    order = reading_order([box for box, _ in lines], aspect=aspect)
    return "\n".join(lines[i][1] for i in order)


def _read(engine: Any, page: Page) -> Reading:
    started_s = _cpu_s()
    lines = engine.read(page.jpeg)
    return Reading(page, _in_order(lines, page.aspect), _cpu_s() - started_s)


def _cpu_s() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _figures(readings: Sequence[Reading]) -> dict[str, float]:
    receipts = [reading for reading in readings if reading.page.is_receipt]
    scans = [reading for reading in readings if not reading.page.is_receipt]
    return {
        "cpu_s_per_receipt": _mean_cpu_s(receipts),
        "cpu_s_per_scan": _mean_cpu_s(scans),
        "cer_receipts": _cer(receipts),
        "cer_scans": _cer(scans),
        "word_recall_receipts": _word_recall(receipts),
        "word_recall_scans": _word_recall(scans),
    }


def _mean_cpu_s(readings: Sequence[Reading]) -> float:
    return round(sum(reading.cpu_s for reading in readings) / max(len(readings), 1), 2)


def _cer(readings: Sequence[Reading]) -> float:
    """Characters to change, over all pages; runs of white space count as one space."""
    wanted = [" ".join(reading.page.text.split()) for reading in readings]
    found = [" ".join(reading.text.split()) for reading in readings]
    return round(jiwer.cer(wanted, found), 4) if readings else 0.0


def _word_recall(readings: Sequence[Reading]) -> float:
    """Share of the words, with their punctuation, that were read somewhere on their page."""
    n_found = n_wanted = 0
    for reading in readings:
        wanted, found = _words(reading.page.text), _words(reading.text)
        n_found += sum((wanted & found).values())
        n_wanted += sum(wanted.values())
    return round(n_found / max(n_wanted, 1), 4)


@cache
def _words(text: str) -> Counter[str]:
    return Counter(text.casefold().split())


if __name__ == "__main__":
    main()
