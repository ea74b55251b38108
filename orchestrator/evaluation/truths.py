"""What a file is known to hold: `<file>.gt.json` beside it. docs/evaluation.md lists the fields."""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import ConfigurationError

TRUTH_ENDING = ".gt.json"
#: Optional index in the folder; its columns `file` and `group` are read.
MANIFEST = "MANIFEST.csv"
MALFORMED = "malformed"


class _Truth(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Spoken(_Truth):
    """A stretch of speech; seconds from media start."""

    start: float
    end: float
    text: str


class Element(_Truth):
    """A piece of a document."""

    text: str = ""


class DescribedShot(_Truth):
    """A shot of a video; first and last frame, 0-based, or seconds."""

    caption: str
    frames: tuple[int, int] | None = None
    start_s: float | None = None
    end_s: float | None = None


class Truth(_Truth):
    """The truth of one file; absent fields are unknown, and fields of others are ignored."""

    kind: str = ""
    language: str | None = None
    facts: dict[str, Any] = {}

    # Documents.
    text: str | None = None
    markdown: str | None = None
    elements: tuple[Element, ...] = ()
    lines: tuple[str | Element, ...] = ()
    pages_text_layer: tuple[str, ...] = ()
    must_contain: tuple[str, ...] = ()
    pages: int | None = None
    layout: str = ""
    password: str | None = None
    expect_without_password: str | None = None

    # Speech and sound.
    transcript: str | None = None
    #: The wording of the source where it differs; either is right.
    transcript_repo: str | None = None
    channels: dict[str, str] = {}
    segments: tuple[Spoken, ...] = ()
    expected_transcript: str | None = None
    has_speech: bool | None = None

    # Pictures.
    captions: tuple[str, ...] = ()
    on_screen_text: tuple[str, ...] = ()
    shots_described: tuple[DescribedShot, ...] = ()
    #: First frame of each further shot, 0-based.
    cuts_frames: tuple[int, ...] | None = None
    cuts_frames_0based: tuple[int, ...] | None = None
    cuts_s: tuple[float, ...] | None = None
    shots: dict[str, Any] = {}
    subtitles: tuple[str, ...] = ()
    chapters: tuple[tuple[str, float, float], ...] = ()

    #: What a malformed or extreme file may do.
    expect: str | None = None
    format: str | None = None


@dataclass(frozen=True)
class Case:
    """A file and its truth."""

    path: Path
    truth: Truth
    #: Folder below the one that is evaluated; `.` for itself.
    folder: str
    #: Files of one group (one origin, or the same content) count once together.
    group: str

    @property
    def kind(self) -> str:
        """The truth's own word for what the file is; decides the table it is shown in."""
        return self.truth.kind or "other"

    @property
    def fps(self) -> float | None:
        """Frames per second of the decoded video; None where the rate varies or is unknown."""
        interval_s = self.truth.facts.get("frame_interval_s") or {}
        if self.truth.facts.get("vfr") or not interval_s.get("max"):
            return None
        rates = [s.get("avg_fps") for s in self.truth.facts.get("streams", ())]
        claimed = next((float(rate) for rate in rates if rate), 0.0)
        measured = 1 / float(interval_s["max"])
        # The header's rate is the exact one (30000/1001) unless it has nothing to do with frames.
        return claimed if abs(claimed - measured) < 0.1 * measured else measured

    def frame_s(self, frame: int) -> float | None:
        """When a decoded frame is shown; None where nobody can tell."""
        if self.fps is None:
            return None
        return float(self.truth.facts.get("first_pts_s") or 0.0) + frame / self.fps


def find_cases(folder: Path, kinds: Collection[str] = (), limit: int | None = None) -> list[Case]:
    """Files below a folder that have a truth beside them, in the order of their paths.

    Args:
        folder: where to look.
        kinds: only truths of these kinds; all if empty.
        limit: at most so many, spread evenly over all that were found.

    Raises:
        ConfigurationError: no such folder, a truth that cannot be read, or none at all.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder")
    groups = _read_groups(folder / MANIFEST)
    cases = [c for c in _cases(folder, groups) if not kinds or c.kind in kinds]
    if not cases:
        wanted = f" of kind {', '.join(kinds)}" if kinds else ""
        raise ConfigurationError(f"{folder}: no file{wanted} with a truth <file>{TRUTH_ENDING}")
    return _spread(cases, limit)


def _cases(folder: Path, groups: dict[str, str]) -> Iterator[Case]:
    for truth_path in sorted(folder.rglob(f"*{TRUTH_ENDING}")):
        path = truth_path.with_name(truth_path.name.removesuffix(TRUTH_ENDING))
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        yield Case(
            path=path,
            truth=read_truth(truth_path),
            folder=path.parent.relative_to(folder).as_posix(),
            group=groups.get(name) or name,
        )


def read_truth(path: Path) -> Truth:
    """One truth file.

    Raises:
        ConfigurationError: not JSON, or a field of another type; names the file and the field.
    """
    try:
        return Truth.model_validate_json(path.read_bytes())
    except ValidationError as exc:
        first = exc.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{path}: {field}: {first['msg']}".replace(": : ", ": ")) from exc
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc


def _read_groups(path: Path) -> dict[str, str]:
    """Group of each file by its path below the folder; empty without an index."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row.get("file", ""): row.get("group") or "" for row in csv.DictReader(file)}


def _spread(cases: list[Case], limit: int | None) -> list[Case]:
    if limit is None or limit >= len(cases):
        return cases
    return [cases[number * len(cases) // limit] for number in range(limit)]
