"""README and docs: links lead somewhere, tables name what exists."""

import re
from pathlib import Path

import pytest

from infra.settings import MediaLimits, S3Settings, SandboxLimits, Settings
from schemas.stages import STAGES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [t for t in _LINK.findall(page.read_text()) if "://" not in t]

    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_readme_names_every_stage() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert rows == list(STAGES)


@pytest.mark.parametrize("group", [Settings, S3Settings, MediaLimits, SandboxLimits])
def test_settings_page_names_every_setting(group: type) -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    prefix = group.model_config["env_prefix"]

    missing = [f for f in group.model_fields if f"`{prefix}{f.upper()}`" not in page]

    assert missing == []


def test_dependencies_page_names_every_requirement() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    wanted = re.findall(r'^  "([\w-]+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    wanted += re.findall(
        r"^([\w-]+)==", (ROOT / "requirements/no-deps.txt").read_text(), re.MULTILINE
    )

    ignored = {"D1", "D203", "D213"}
    assert [n for n in wanted if n not in page and n not in ignored and n.islower()] == []
