"""The Dockerfiles: rules that matter, and that what they copy and install is there."""

import json
import re
import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.infra.deployed import ROOT, parse_command

FOLDER = ROOT / "infra" / "docker"
IMAGES = sorted(FOLDER.glob("*.Dockerfile"))


class Instruction(NamedTuple):
    word: str
    rest: str


def read(path: Path) -> list[Instruction]:
    """Instructions, without comments, each on one line."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def last_stage(instructions: Sequence[Instruction]) -> list[Instruction]:
    first = max(n for n, each in enumerate(instructions) if each.word == "FROM")
    return list(instructions[first:])


def faults(instructions: Sequence[Instruction]) -> list[str]:
    """Broken rules."""
    stages = [rest.split()[2] for word, rest in instructions if word == "FROM" and " AS " in rest]
    found = []
    for word, rest in instructions:
        if word == "FROM" and not re.match(r"(\S+/)?\S+:\d+\.\d+\.\d+\S*( AS \w+)?$", rest):
            found.append(f"no pinned tag: {rest}")
        if word == "ADD":
            found.append("ADD fetches and unpacks: COPY says what it does")
        if word == "COPY" and (source := re.match(r"--from=(\S+)", rest)):
            found += [] if source[1] in stages else [f"no stage {source[1]}"]
        if word == "RUN" and "apt-get install" in rest and "rm -rf /var/lib/apt/lists" not in rest:
            found.append("apt's lists are left")
        if word == "RUN":
            found += [f"unpinned: {c}" for c in rest.split("&&") if is_unpinned(c)]
    users = [rest for word, rest in last_stage(instructions) if word == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        found.append(f"runs as {users or 'root'}, expected a number")
    return found


def is_unpinned(command: str) -> bool:
    return "pip install" in command and not re.search(r" -c \S+| -r \S+|==", command)


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)
def test_images_keep_the_rules(path: Path) -> None:
    assert faults(read(path)) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("FROM python:latest\nUSER 1", "no pinned tag"),
        ("FROM python\nUSER 1", "no pinned tag"),
        ("FROM python:3.11.15\nUSER root", "runs as"),
        ("FROM python:3.11.15\nRUN true", "runs as root"),
        ("FROM python:3.11.15\nADD https://example.org/x /x\nUSER 1", "ADD"),
        ("FROM python:3.11.15\nRUN apt-get install -y git\nUSER 1", "apt's lists"),
        ("FROM python:3.11.15\nRUN pip install torch\nUSER 1", "unpinned"),
        ("FROM python:3.11.15\nCOPY --from=built /a /a\nUSER 1", "no stage built"),
    ],
)
def test_rules_are_noticed_when_broken(line: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(line)

    assert any(fault in found for found in faults(read(tmp_path / "Dockerfile")))


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)
def test_what_is_copied_is_sent_to_the_engine(path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = [shlex.split(i.rest)[:-1] for i in read(path) if i.word == "COPY"]
    wanted = {word for words in copied if not words[0].startswith("--from") for word in words}

    assert "*" in ignored
    assert wanted - {"."} <= sent
    assert [name for name in sent if not (ROOT / name).exists()] == []


def test_engine_is_sent_all_our_packages_and_nothing_secret() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {n.rstrip("*") for n in project["tool"]["setuptools"]["packages"]["find"]["include"]}

    assert packages <= {line[1:] for line in ignored if line.startswith("!")}
    assert "infra/docker/secrets" in ignored


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)
def test_what_an_image_runs_is_understood(path: Path) -> None:
    words = {i.word: json.loads(i.rest) for i in read(path) if i.word in {"ENTRYPOINT", "CMD"}}

    parse_command([*words["ENTRYPOINT"], *words["CMD"]])


def test_torch_comes_first_and_alone_and_only_to_workers() -> None:
    worker, orchestrator = (FOLDER / f"{n}.Dockerfile" for n in ("worker", "orchestrator"))
    installs = [i.rest for i in read(worker) if i.word == "RUN" and "pip install" in i.rest]

    assert re.search(r'pip install --index-url "[^"]*"\s+"torch==\S+ [^"]*"$', installs[0])
    assert "'.[worker]'" in installs[1]
    assert "--no-deps -r requirements/no-deps.txt" in installs[1]
    assert [i for i in read(orchestrator) if re.search(r"torch|\[worker\]", i.rest)] == []


def test_orchestrator_knows_the_packages_that_stages_are_versioned_by() -> None:
    """It names the versions that workers must have, though it loads none of them."""
    profiles = [path.read_text() for path in (ROOT / "infra" / "model_profiles").glob("*.toml")]
    carried = set(re.findall(r'source = "package:([\w-]+)"', "\n".join(profiles)))
    installs = " ".join(i.rest for i in read(FOLDER / "orchestrator.Dockerfile"))
    pinned = (ROOT / "requirements" / "constraints.txt").read_text()
    pinned += (ROOT / "requirements" / "no-deps.txt").read_text()

    assert carried
    assert [name for name in carried if not re.search(rf"\b{name}\b", installs)] == []
    assert [name for name in carried if not re.search(rf"^{name}==", pinned, re.MULTILINE)] == []
