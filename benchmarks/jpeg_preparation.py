"""JPEGs through `prepare` in the sandbox, against a bare Pillow loop on the same cores.

The bare loop does what nobody could leave out: decode at a fitting scale, resize to reading size,
encode, write. Ours also sniffs, hashes, converts colours, makes a thumbnail and a tar, and crosses
two processes. As many objects are under way as the stage has in a batch.
"""

import io
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.figure import Figure
from infra.sandbox import Sandbox
from infra.settings import MediaLimits, SandboxLimits
from schemas.stages import STAGES
from workers.media.media_file import READING_EDGE_PX
from workers.media.read import read_object

N_IMAGES = 200
SIZE_PX = (1024, 768)
N_ROUNDS = 4
TARGET = 0.8


def measure_jpeg_preparation() -> Figure:
    """Images per second, ours and bare; the best of rounds in turns, after one to warm up."""
    with tempfile.TemporaryDirectory() as folder:
        paths = _make_images(Path(folder))
        n_cores = os.cpu_count() or 1
        sandbox, limits = Sandbox(SandboxLimits(n_children=n_cores)), MediaLimits()
        try:
            with (
                ProcessPoolExecutor(n_cores, mp_context=get_context("spawn")) as processes,
                ThreadPoolExecutor(STAGES["prepare"].model_batch) as threads,
            ):

                def bare(batch: Sequence[Path]) -> None:
                    list(processes.map(_bare, batch, chunksize=8))

                def ours(batch: Sequence[Path]) -> None:
                    list(threads.map(lambda path: _ours(sandbox, limits, path), batch))

                rounds = [(_rate(ours, paths), _rate(bare, paths)) for _ in range(N_ROUNDS + 1)]
        finally:
            sandbox.close()
    value, limit = (max(column) for column in zip(*rounds[1:], strict=True))
    return Figure("jpeg_preparation", value, limit, "images/s", TARGET)


def _make_images(folder: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = []
    for n in range(N_IMAGES):
        noise = rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)
        path = folder / f"{n}.jpg"
        Image.fromarray(noise).resize(SIZE_PX, Image.Resampling.BICUBIC).save(path, quality=90)
        paths.append(path)
    return paths


def _rate(run: Callable[[Sequence[Path]], object], paths: Sequence[Path]) -> float:
    started_s = time.perf_counter()
    run(paths)
    return len(paths) / (time.perf_counter() - started_s)


def _bare(path: Path) -> None:
    with Image.open(path) as image:
        image.draft("RGB", (READING_EDGE_PX, READING_EDGE_PX))
        image.thumbnail((READING_EDGE_PX, READING_EDGE_PX))
        encoded = io.BytesIO()  # Pillow writes to a file more slowly
        image.convert("RGB").save(encoded, "JPEG", quality=90)
    path.with_suffix(".view").write_bytes(encoded.getvalue())


def _ours(sandbox: Sandbox, limits: MediaLimits, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        Path(scratch, "object").hardlink_to(path)
        args = (Path("object"), path.name, Path(), limits)
        sandbox.run(read_object, *args, scratch=scratch)
