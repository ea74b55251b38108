"""The real command line in processes of its own, on the committed samples."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.settings import load_settings
from orchestrator.deps import Deps
from schemas.search import Filter, Hit, Query

SAMPLES = Path(__file__).parents[2] / "demo" / "samples"
SLUICE = str(Path(sys.executable).with_name("sluice"))


class Store:
    """One SLUICE_HOME, and the command line on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {**os.environ, "SLUICE_HOME": str(home)}

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start a command without waiting for it."""
        return subprocess.Popen(
            [SLUICE, *args],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            [SLUICE, *args], env=self.env, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == expect, done.stderr[-4000:]
        return done

    def json(self, *args: str, expect: int = 0) -> Any:
        """Run a command with --json; the document."""
        return json.loads(self.run(*args, "--json", expect=expect).stdout)


@pytest.fixture(scope="session")
def make_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Store]:
    """New empty stores."""
    return lambda: Store(tmp_path_factory.mktemp("home") / "sluice")


@pytest.fixture(scope="session")
def samples() -> list[str]:
    """Paths of the sample media."""
    return sorted(str(path) for path in SAMPLES.iterdir() if path.name != "truth.json")


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    """What is in the samples, by file name."""
    loaded: dict[str, Any] = json.loads((SAMPLES / "truth.json").read_text())
    return loaded


@pytest.fixture(scope="session")
def ingested(make_store: Callable[[], Store], samples: list[str]) -> tuple[Store, Any]:
    """A store with all samples in it, and what `ingest --json` said."""
    store = make_store()
    return store, store.json("ingest", *samples)


@pytest.fixture(scope="session")
def find(ingested: tuple[Store, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Search a copy of the ingested store in this process: one load of the models for all."""
    home = tmp_path_factory.mktemp("copy") / "sluice"
    shutil.copytree(ingested[0].home, home)
    with Deps(load_settings(home=home), "test") as deps:

        def search(text: str | None = None, **how: Any) -> tuple[Hit, ...]:
            media = {name: how.pop(name) for name in ("image", "audio") if name in how}
            query = Query(text=text, filter=Filter(**how), **media)
            return deps.searcher.search(query, "default").hits

        yield search
