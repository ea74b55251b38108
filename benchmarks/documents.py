"""Documents against bare loops over the engines that read them, on the same cores.

Born-digital PDFs: `prepare` in the sandbox, against pypdfium2's text extraction and rendering at
the same size. Ours also decides whether the text can be trusted, finds lines, tables and the order
of reading, encodes images, and crosses two processes. Scans: the `ocr` stage's reader with
its reading order, against RapidOCR with its defaults on the same sessions. Reads test
media of `../shared/data`; nothing is measured where they are absent.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

from benchmarks.figure import Figure
from benchmarks.ocr_engines import DOCUMENTS, RAPIDOCR, Ours, PlainRapidOcr, read_pages
from infra.sandbox import Sandbox
from infra.settings import MediaLimits, SandboxLimits
from schemas.stages import STAGES
from workers.media.media_file import SMALL_EDGE_PX
from workers.media.read import read_object

#: Papers, books, slides, invoices and tables; their pages make one document.
DIGITAL = (
    "docling-pdf/2305.03393v1-pg9.pdf",
    "docling-pdf/code_and_formula.pdf",
    "docling-pdf/picture_classification.pdf",
    "docling-pdf/right_to_left_01.pdf",
    "google/invoice.pdf",
    "google/kafka.pdf",
    "office/multimodal_test.pdf",
    "sample-files/multicolumn.pdf",
    "sample-files/pdflatex-4-pages.pdf",
    "unstructured-pdf/multi-column-2p.pdf",
    "unstructured/layout-parser-paper-fast.pdf",
    "unstructured/list-item-example.pdf",
)
N_COPIES = 3
N_RECEIPTS = 1
TARGET_DIGITAL, TARGET_SCANS = 0.8, 0.95

_N_ROUNDS = 3


def measure_documents() -> list[Figure]:
    """Pages per second, ours and bare; the best of rounds in turns."""
    if not DOCUMENTS.is_dir():
        return []
    return [_measure_digital(), _measure_scans()]


def _measure_digital() -> Figure:
    n_cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        path, n_pages = _join(Path(folder, "pages.pdf"))
        copies = [path] * (4 * n_cores)
        sandbox = Sandbox(SandboxLimits(n_children=n_cores))
        try:
            with (
                ProcessPoolExecutor(n_cores, mp_context=get_context("spawn")) as processes,
                ThreadPoolExecutor(STAGES["prepare"].model_batch) as threads,
            ):
                value, limit = _rates(
                    lambda: list(threads.map(lambda path: _prepare(sandbox, path), copies)),
                    lambda: list(processes.map(_extract_and_render, copies)),
                    n_pages * len(copies),
                    n_rounds=_N_ROUNDS,
                )
        finally:
            sandbox.close()
    return Figure("pdf_pages", value, limit, "pages/s", TARGET_DIGITAL)


def _measure_scans() -> Figure:
    """On one thread, and by its CPU time: neither side waits for anything else."""
    jpegs = [page.jpeg for page in read_pages(N_RECEIPTS)]
    ours, plain = Ours(RAPIDOCR), PlainRapidOcr()
    value, limit = _rates(
        lambda: [ours.read(jpeg) for jpeg in jpegs],
        lambda: [plain.read(jpeg) for jpeg in jpegs],
        len(jpegs),
        n_rounds=1,
        clock=time.process_time,
    )
    return Figure("scanned_pages", value, limit, "pages/CPU s", TARGET_SCANS)


def _rates(
    ours: Callable[[], Any],
    bare: Callable[[], Any],
    n_pages: int,
    *,
    n_rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Sequence[float]:
    """The better of a round to warm up and further ones."""
    rounds = [
        (_rate(ours, n_pages, clock), _rate(bare, n_pages, clock)) for _ in range(n_rounds + 1)
    ]
    return [max(column) for column in zip(*rounds, strict=True)]


def _rate(run: Callable[[], Any], n_pages: int, clock: Callable[[], float]) -> float:
    started_s = clock()
    run()
    return n_pages / (clock() - started_s)


def _join(path: Path) -> tuple[Path, int]:
    """One document of all pages, and their number."""
    with pdfium.PdfDocument.new() as joined:
        for name in DIGITAL * N_COPIES:
            with pdfium.PdfDocument(DOCUMENTS / name) as document:
                joined.import_pages(document)
        joined.save(path)
        return path, len(joined)


def _extract_and_render(path: Path) -> int:
    n_chars = 0
    with pdfium.PdfDocument(path) as document:
        for page in document:
            n_chars += len(page.get_textpage().get_text_range())
            scale = (SMALL_EDGE_PX - 0.01) / max(page.get_size())
            page.render(scale=scale, rev_byteorder=True).to_pil()
            page.close()
    return n_chars


def _prepare(sandbox: Sandbox, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        Path(scratch, "object").hardlink_to(path)
        args = (Path("object"), path.name, Path(), MediaLimits())
        sandbox.run(read_object, *args, scratch=scratch)
