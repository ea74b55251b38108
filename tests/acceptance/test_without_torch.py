"""The orchestrator's image has none of the packages that workers need; here they are hidden."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from sqlalchemy import text

from infra.database import Database, migrate
from infra.queues import queue_names
from infra.settings import load_settings
from infra.workforce import Workforce
from tests import services
from tests.acceptance.cluster import wait_for
from tests.factories import make_plan, plant_asset

ROOT = Path(__file__).parents[2]
HIDDEN_RUN = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}: hidden")

sys.meta_path.insert(0, Hidden())
sys.argv = ["sluice", *sys.argv[1:]]
{body}
"""
MAIN = "from orchestrator.cli import main; main()"


def hidden_modules() -> set[str]:
    """Top modules of the packages that only workers have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plain = {_plain(name) for name in project["optional-dependencies"]["worker"]}
    # What the orchestrator's own packages need as well cannot be hidden.
    plain -= {
        "charset-normalizer",
        "markdown-it-py",
        "numpy",
        *map(_plain, project["dependencies"]),
    }
    return {
        module
        for module, names in packages_distributions().items()
        if any(_plain(name) in plain for name in names)
    }


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def script(body: str) -> list[str]:
    return [sys.executable, "-c", HIDDEN_RUN.format(hidden=sorted(hidden_modules()), body=body)]


def test_heavy_packages_are_hidden() -> None:
    assert {"torch", "transformers", "cv2", "PIL", "av", "onnxruntime"} <= hidden_modules()

    done = subprocess.run(script("import torch"), capture_output=True, text=True, check=False)

    assert "hidden" in done.stderr


@pytest.mark.parametrize("args", [["--help"], ["orchestrator", "--help"], ["doctor", "--help"]])
def test_command_line_needs_none_of_them(args: list[str]) -> None:
    subprocess.run([*script(MAIN), *args], cwd=ROOT, check=True, capture_output=True)


def test_api_is_importable_without_them() -> None:
    body = "import orchestrator.api.app, orchestrator.commands.up, orchestrator.deps"

    subprocess.run(script(body), cwd=ROOT, check=True, capture_output=True)


def test_orchestrator_dispatches_without_them(
    make_postgres, redis_url, clean_environment, tmp_path
) -> None:
    database_url = make_postgres()
    database = Database(database_url)
    migrate(database)
    with database.session_scope() as session:
        plant_asset(session, [make_plan(version=load_settings().versions["prepare"])])
        Workforce(session, heartbeat_s=60.0).join("worker", queue_names(), "cpu")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")},
        "PYTHONPATH": str(ROOT),
        "SLUICE_HOME": str(tmp_path / "home"),
        "SLUICE_DATABASE_URL": database_url,
        "SLUICE_BROKER_URL": redis_url,
        "SLUICE_QDRANT_URL": "http://127.0.0.1:1",
    }
    log = tmp_path / "log"
    started = services.server(
        [*script(MAIN), "orchestrator"], log, lambda: "orchestrating" in log.read_text(), env=env
    )

    def is_dispatched() -> bool:
        with database.read_scope() as session:
            return session.scalar(text("SELECT state FROM jobs")) == "dispatched"

    with started as running:
        wait_for(is_dispatched, log.read_text)

    assert running.returncode == 0, log.read_text()
    assert "stopped" in log.read_text()
    database.close()
