"""What is particular to the engine in this process: durability, locking, threads."""

import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from infra.vectors import edge
from infra.vectors.edge import EdgeVectorStore
from schemas.asset import AssetId
from schemas.errors import ConfigurationError, StorageFull, VectorStoreUnavailable
from schemas.search import Filter
from tests.infra.vectors.factories import (
    ASSET,
    SPACE,
    TENANT,
    axis,
    make_points,
    make_scope,
)

ROOT = Path(__file__).parents[3]

PREAMBLE = """
import os, signal, sys
from pathlib import Path
from infra.vectors.edge import EdgeVectorStore
from tests.infra.vectors.factories import *
store = EdgeVectorStore(Path(sys.argv[1]))
"""


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + code, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("n_points", [1, 700])
def test_replace_survives_kill_9(tmp_path: Path, n_points: int) -> None:
    code = f"""
store.ensure(SPACE)
store.replace(SPACE, TENANT, make_scope(), make_points(900))
store.replace(SPACE, TENANT, make_scope(), make_points({n_points}, version="v2"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(code, tmp_path).returncode == -signal.SIGKILL

    store = EdgeVectorStore(tmp_path)

    expected = {p.id for p in make_points(n_points, version="v2")}
    assert set(store.ids(SPACE, TENANT)) == expected
    assert store.search(SPACE, TENANT, axis(0), filter=Filter(), limit=1)[0].score > 0.99
    store.close()


def test_delete_survives_kill_9_after_a_flush(tmp_path: Path) -> None:
    code = """
from infra.vectors import edge
edge.FLUSH_S = -1.0
store.ensure(SPACE)
store.replace(SPACE, TENANT, make_scope(), make_points(50))
store.delete_asset(SPACE, TENANT, ASSET)
os.kill(os.getpid(), signal.SIGKILL)
"""
    run_python(code, tmp_path)

    store = EdgeVectorStore(tmp_path)

    assert store.count(SPACE, TENANT) == 0
    store.close()


def test_points_are_there_after_closing(tmp_path: Path) -> None:
    first = EdgeVectorStore(tmp_path)
    first.ensure(SPACE)
    first.replace(SPACE, TENANT, make_scope(), make_points(20))
    first.close()

    second = EdgeVectorStore(tmp_path)

    assert second.count(SPACE, TENANT, ASSET) == 20
    second.close()


def test_another_process_is_told_who_has_the_store(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)

    other = run_python("store.ensure(SPACE)", tmp_path)

    assert other.returncode != 0
    assert "ConfigurationError" in other.stderr
    assert "in use by another process" in other.stderr
    store.close()


def test_drop_spares_a_collection_that_another_process_uses(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)
    store.replace(SPACE, TENANT, make_scope(), make_points(2))

    with pytest.raises(ConfigurationError, match="in use"):
        EdgeVectorStore(tmp_path).drop(SPACE)

    assert store.count(SPACE, TENANT) == 2
    store.close()


@pytest.mark.parametrize("missing", [".", "wal", "segments", "edge_config.json"])
def test_ensure_mends_a_half_created_collection(tmp_path: Path, missing: str) -> None:
    folder = tmp_path / SPACE.collection
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)
    store.close()
    if (folder / missing).is_dir():
        shutil.rmtree(folder / missing)
    else:
        (folder / missing).unlink()
    folder.mkdir(exist_ok=True)

    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)
    store.replace(SPACE, TENANT, make_scope(), make_points(3))

    assert store.count(SPACE, TENANT, ASSET) == 3
    store.close()


def test_ensure_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    for delay_ms in (3, 12, 30):
        folder = tmp_path / str(delay_ms)
        code = f"""
import threading, time
def kill():
    time.sleep({delay_ms} / 1000)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill).start()
store.ensure(SPACE)
time.sleep(9)
"""
        run_python(code, folder)

        store = EdgeVectorStore(folder)
        store.ensure(SPACE)
        store.replace(SPACE, TENANT, make_scope(), make_points(2))

        assert store.count(SPACE, TENANT) == 2
        store.close()


def test_threads_may_write_and_search_at_once(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path)
    assets = [AssetId(UUID(int=i)) for i in range(1, 25)]

    def work(mine: list[AssetId]) -> int:
        store.ensure(SPACE)
        for asset in mine:
            points = make_points(5, asset_id=asset)
            store.replace(SPACE, TENANT, make_scope(asset_id=asset), points)
            store.search(SPACE, TENANT, axis(0), filter=Filter(asset_id=asset), limit=3)
        return len(mine)

    with ThreadPoolExecutor(4) as pool:
        n_done = sum(pool.map(work, [assets[i::4] for i in range(4)]))

    assert n_done == len(assets)
    assert store.count(SPACE, TENANT) == 5 * len(assets)
    store.close()


def test_writes_stop_before_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)
    monkeypatch.setattr(edge, "MIN_FREE_BYTES", 1 << 60)

    with pytest.raises(StorageFull, match="MiB free"):
        store.replace(SPACE, TENANT, make_scope(), make_points(1))

    store.close()


def test_close_reclaims_deleted_points(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)
    store.replace(SPACE, TENANT, make_scope(), make_points(3000))
    store.replace(SPACE, TENANT, make_scope(), make_points(10))
    store.close()

    again = EdgeVectorStore(tmp_path)

    assert again.count(SPACE, TENANT) == 10
    assert again.search(SPACE, TENANT, axis(3), filter=Filter(), limit=1)[0].score > 0.99
    again.close()


def test_search_of_another_shape_is_refused(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)
    store.close()
    wider = type(SPACE)(name="text", fingerprint=SPACE.fingerprint, embedding_dim=4)

    with pytest.raises(ConfigurationError, match="incompatible"):
        EdgeVectorStore(tmp_path).search(wider, TENANT, axis(0)[:4], filter=Filter(), limit=1)


def test_broken_files_make_the_store_unavailable(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)
    store.close()
    (tmp_path / SPACE.collection / "edge_config.json").write_text("{")

    with pytest.raises(VectorStoreUnavailable, match="edge_config"):
        EdgeVectorStore(tmp_path).ensure(SPACE)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("IO Error: No space left on device (os error 28)", StorageFull),
        ("Vector dimension error: expected dim: 4, got 2", ConfigurationError),
        ("Service runtime error: something new", VectorStoreUnavailable),
    ],
)
def test_translation_knows_the_words_of_the_engine(message: str, expected: type[Exception]) -> None:
    assert type(edge.translation(message, Path("/vectors"))) is expected


def test_translation_leaves_our_defects_alone(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path)
    store.ensure(SPACE)

    with pytest.raises(TypeError):
        store.search(SPACE, TENANT, axis(0), filter=Filter(), limit="many")  # type: ignore[arg-type]

    store.close()


def test_a_store_without_a_folder_is_empty(tmp_path: Path) -> None:
    store = EdgeVectorStore(tmp_path / "none")

    assert store.collections() == []
    assert store.count(SPACE, TENANT) == 0
    assert not (tmp_path / "none").exists()
    store.close()
