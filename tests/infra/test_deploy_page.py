"""docs/deploy.md and docs/scale.md: the commands and settings that they name are there."""

import re

import pytest

from infra.settings import MediaLimits, S3Settings, SandboxLimits, Settings
from tests.infra.deployed import ROOT, parse_command

PAGES = [ROOT / "docs" / name for name in ("deploy.md", "scale.md", "cluster.md")]
_COMMAND = re.compile(r"(?:^|exec \w+ )(sluice [a-z][\w-]*(?: [\w./:,=*-]+)*)")
_FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_SPAN = re.compile(r"`(sluice [^`\n]+)`")


def commands(page: str) -> list[str]:
    """Command lines in blocks and in running text."""
    found = _SPAN.findall(page)
    for block in _FENCE.findall(page):
        found += [c for line in block.splitlines() for c in _COMMAND.findall(line.split("#")[0])]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_understood(page) -> None:
    found = commands(page.read_text())

    for command in found:
        # A command without what it needs is only named.
        words = command.split()
        if len(words) > 2 or words[-1] in {"up", "orchestrator", "worker", "doctor", "status"}:
            parse_command(words)
    assert page.stem == "scale" or found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_exist(page) -> None:
    groups = (Settings, S3Settings, MediaLimits, SandboxLimits)
    known = {f"{g.model_config['env_prefix']}{f.upper()}" for g in groups for f in g.model_fields}
    known |= {f"{name}_FILE" for name in known}
    named = set(re.findall(r"\bSLUICE_[A-Z0-9_]*[A-Z0-9]\b", page.read_text()))

    assert {name for name in named if not name.startswith("SLUICE_TEST_")} - known <= {"SLUICE_S3"}
