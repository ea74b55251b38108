"""Upload to a bucket, and find it: several processes on real servers, by each broker."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.acceptance.cluster import Cluster, run_cluster

#: Files of the first upload, and of the second: text, web pages, some pictures and a recording.
N_FIRST, N_SECOND, N_PICTURES = 200, 60, 10
#: Share of the events that never arrive.
DROPPED = 0.3

_NOUNS = [
    "harbour",
    "lantern",
    "violin",
    "glacier",
    "saddle",
    "orchard",
    "compass",
    "bakery",
    "tunnel",
    "falcon",
]
_PLACES = ("Lisbon", "Oslo", "Kyoto", "Quito", "Cairo", "Perth", "Lima", "Riga", "Doha", "Turin")


def subject(n: int) -> str:
    """What the n-th file is about; with its number, no other."""
    return f"the {_NOUNS[n % 10]} of {_PLACES[n // 10 % 10]}"


def make_files(folder: str, n_files: int) -> dict[str, bytes]:
    """Small files of several kinds, all different; text ones speak of their subject."""
    return {f"{folder}/{_name(n)}": _content(n, folder) for n in range(n_files)}


def _name(n: int) -> str:
    kind = ("txt", "html", "txt", "md")[n % 4]
    if n <= N_PICTURES:
        kind = "png" if n else "wav"
    return f"{n:03} {subject(n)}.{kind}"


def _content(n: int, folder: str) -> bytes:
    name, says = _name(n), f"A short note about {subject(n)}, number {n} in {folder}."
    if name.endswith(".png"):
        picture = io.BytesIO()
        Image.new("RGB", (64, 64), (n, 255 - n, len(folder))).save(picture, "PNG")
        return picture.getvalue()
    if name.endswith(".wav"):
        return _tone(440.0 + len(folder))
    if name.endswith(".html"):
        return f"<html><body><h1>Note</h1><p>{says}</p></body></html>".encode()
    return says.encode()


def _tone(hertz: float) -> bytes:
    samples = np.sin(np.arange(16_000) * 2 * np.pi * hertz / 16_000) * 8000
    recording = io.BytesIO()
    with wave.open(recording, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(samples.astype("<i2").tobytes())
    return recording.getvalue()


@pytest.fixture(scope="module", params=["rabbitmq", "redis"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_postgres: Any
) -> Iterator[Cluster]:
    """One cluster per broker."""
    name = {"rabbitmq": "amqp_url", "redis": "redis_url"}[request.param]
    broker_url = request.getfixturevalue(name)
    home: Path = tmp_path_factory.mktemp("cluster")
    with run_cluster(home, make_postgres(), broker_url) as running:
        yield running


def not_found(cluster: Cluster, texts: range, folder: str) -> list[int]:
    """Those that are not the first hit for what they say."""
    return [n for n in texts if not _is_first(cluster, n, folder)]


def _is_first(cluster: Cluster, n: int, folder: str) -> bool:
    hits = cluster.search(f"{subject(n)}, number {n} in {folder}")
    return bool(hits) and hits[0].endswith(f"{folder}/{_name(n)}")


def test_everything_uploaded_becomes_searchable(cluster: Cluster) -> None:
    """Events of the bucket, a part of which is lost; a scan finds what they did not tell."""
    cluster.put(make_files("first", N_FIRST))
    cluster.await_ready(N_FIRST)

    assert not_found(cluster, range(N_PICTURES + 1, N_FIRST, 9), "first") == []

    files = list(make_files("second", N_SECOND).items())
    n_told = round(N_SECOND * (1 - DROPPED))
    cluster.put(dict(files[:n_told]))
    cluster.listen(on=False)
    cluster.put(dict(files[n_told:]))
    cluster.await_ready(N_FIRST + n_told)

    scanned = cluster.run("scan", "s3://media")

    assert scanned["n_new"] == N_SECOND - n_told
    cluster.listen(on=True)
    cluster.await_ready(N_FIRST + N_SECOND)
    assert not_found(cluster, range(n_told, N_SECOND, 3), "second") == []
