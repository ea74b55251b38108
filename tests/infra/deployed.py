"""What manifests say about our own program, held against the program."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from infra.queues import parse_queues
from infra.settings import Settings, load_settings, misspelt_variables
from orchestrator.cli import app

ROOT = Path(__file__).parents[2]
_INTERPOLATED = re.compile(r"\$\{\w+:-([^}]*)\}")


def parse_command(words: Sequence[str]) -> dict[str, Any]:
    """Options of a `sluice ...` command line as the program itself reads them; runs nothing.

    Raises:
        click.UsageError: the program would refuse it.
    """
    program, *args = words
    assert program == "sluice", words
    command: Any = get_command(app)
    context = command.make_context(program, list(args))
    while hasattr(command, "resolve_command"):
        left = [*context._protected_args, *context.args]
        name, command, args = command.resolve_command(context, left)
        context = command.make_context(name, list(args), parent=context)
    if queues := context.params.get("queues"):
        parse_queues(queues.split(","))
    return dict(context.params)


def load_as_deployed(
    variables: Mapping[str, object], secrets: Path, mounted_at: str, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of a process with these variables, with its secrets where they are mounted.

    Every `SLUICE_*` variable must be a setting, and every value one that it takes.
    """
    for name in [name for name in os.environ if name.startswith("SLUICE_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        default = _INTERPOLATED.sub(r"\1", str(value))
        monkeypatch.setenv(name, default.replace(f"{mounted_at}/", f"{secrets}/"))
    assert misspelt_variables() == []
    return load_settings()


def make_secrets(folder: Path) -> Path:
    """The folder that `make_secrets.sh` fills."""
    script = ROOT / "infra" / "docker" / "make_secrets.sh"
    copy = folder / script.name
    copy.write_bytes(script.read_bytes())
    subprocess.run(["sh", copy], check=True)
    return folder / "secrets"


def strings(document: Any) -> Iterable[str]:
    """All texts in a document, keys included."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(document, list):
        for value in document:
            yield from strings(value)
    elif isinstance(document, str):
        yield document
