"""Whether what was measured of a file is so, and whether it ended as it should. Pure functions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from orchestrator.evaluation import plain_text
from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import Score, Scores
from orchestrator.evaluation.truths import MALFORMED, Case
from schemas.asset import AssetState, MediaFacts
from schemas.errors import EncryptedMedia

#: A length is right within this, or within one frame.
_DURATION_S = 0.05
#: Ends of a file that may be as bad as it likes. `quarantined` is none: there we crashed.
_ENDED = frozenset({AssetState.READY, AssetState.PARTIAL, AssetState.FAILED})
#: Fields of a stream in truths, and in facts.
_STREAM_FIELDS = {
    "codec": "codec",
    "width": "width_px",
    "height": "height_px",
    "rate": "sampling_rate",
    "channels": "channels",
}


class FactCheck(NamedTuple):
    """One fact: what it should be and what was found."""

    name: str
    expected: Any
    found: Any
    is_right: bool


def score_facts(case: Case, outcome: Outcome) -> Scores:
    """1 if all facts that the truth names are right; a file without facts has none right."""
    checks = check_facts(case, outcome)
    return {"facts_exact": Score(float(all(c.is_right for c in checks)))} if checks else {}


def score_state(case: Case, outcome: Outcome) -> Scores:
    """1 if the file ended as it should."""
    return {"states_as_expected": Score(float(check_state(case, outcome).is_right))}


def check_state(case: Case, outcome: Outcome) -> FactCheck:
    """Malformed files end somehow, encrypted ones fail as such, all others are ready."""
    state, truth = outcome.state, case.truth
    found = f"{state} {outcome.error or ''}".strip()
    if case.kind == MALFORMED or truth.expect or truth.format or "error" in truth.facts:
        return FactCheck("state", "ready, partial or failed", found, state in _ENDED)
    if truth.password is not None or truth.expect_without_password:
        is_refused = any(f.category == EncryptedMedia.__name__ for f in outcome.failures)
        is_right = state is AssetState.FAILED and is_refused
        return FactCheck("state", f"failed {EncryptedMedia.__name__}", found, is_right)
    return FactCheck("state", "ready", found, state is AssetState.READY)


def check_facts(case: Case, outcome: Outcome) -> list[FactCheck]:
    """Every fact that the truth names and that Sluice promises to know.

    Of a file that should not be read there are none.
    """
    truth = case.truth
    is_closed = truth.password is not None or truth.expect_without_password or truth.expect
    if case.kind == MALFORMED or is_closed or "error" in truth.facts or truth.format:
        return []
    wanted = dict(truth.facts) | ({"pages": truth.pages} if truth.pages is not None else {})
    checks = [
        _check(name, expected, outcome.facts, case)
        for name in _FINDERS
        if (expected := _expected(name, wanted)) is not None
    ]
    return [*checks, *_check_beside(case, outcome)]


def _check(name: str, expected: Any, facts: MediaFacts | None, case: Case) -> FactCheck:
    found = _FINDERS[name](facts) if facts else None
    is_right = _is_close(name, expected, found, case.truth.facts)
    if name == "duration_s" and found is not None and (end_s := _decoded_end_s(case)):
        # The truth's length is the header's claim; where its frames were counted, they decide.
        is_right |= _is_close(name, end_s, found, case.truth.facts)
    return FactCheck(_TITLES.get(name, name), expected, found, is_right)


def _decoded_end_s(case: Case) -> float | None:
    """When the last counted frame of a video has gone."""
    n_frames = case.truth.facts.get("decoded_frames", 0)
    return case.frame_s(n_frames) if n_frames > 1 else None


def _expected(name: str, wanted: Mapping[str, Any]) -> Any:
    value = wanted.get(name)
    if name == "streams" and value is not None:
        return [_stream(stream, stream) for stream in value]
    if name in {"frames", "exif_orientation", "decoded_frames"} and value == 1:
        return None  # said of stills, of covers and of what has no such tag alike
    if name == "page_rotations" and value is not None:
        return value if any(value) else []
    if name == "animation_ms" and value is not None:
        return float(value) / 1000
    return value


def _rotations(facts: MediaFacts) -> list[int]:
    return list(facts.extra.get("page_rotations", []))


def _streams(facts: MediaFacts) -> list[dict[str, Any]]:
    return [
        _stream(stream, {name: stream.get(ours) for name, ours in _STREAM_FIELDS.items()})
        for stream in facts.extra.get("streams", [])
    ]


def _stream(stream: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A stream as both sides tell it; a cover picture is a video stream of one frame."""
    kind = stream.get("type")
    known = {name: fields[name] for name in _STREAM_FIELDS if fields.get(name)}
    return {"type": "video" if kind == "picture" else kind, **known}


#: How each fact of a truth is called here.
_FINDERS: dict[str, Callable[[MediaFacts], Any]] = {
    "display_width": lambda facts: facts.width_px,
    "display_height": lambda facts: facts.height_px,
    "exif_orientation": lambda facts: facts.extra.get("orientation", 1),
    "frames": lambda facts: facts.n_frames,
    "animation_ms": lambda facts: facts.duration_s,
    "pages": lambda facts: facts.n_pages,
    "page_rotations": _rotations,
    "duration_s": lambda facts: facts.duration_s,
    "streams": _streams,
    "decoded_frames": lambda facts: facts.n_frames,
    "display_rotation": lambda facts: facts.extra.get("rotation", 0),
}
#: Facts that are told in another unit than the truth's.
_TITLES = {"animation_ms": "animation_s"}
_SECONDS = frozenset({"duration_s", "animation_ms"})


def _is_close(name: str, expected: Any, found: Any, facts: Mapping[str, Any]) -> bool:
    if name == "display_rotation":
        return found is not None and (int(expected) - int(found)) % 360 == 0
    if name not in _SECONDS or found is None:
        return bool(expected == found)
    interval_s = (facts.get("frame_interval_s") or {}).get("max") or 0.0
    return abs(float(expected) - float(found)) <= max(_DURATION_S, float(interval_s)) + 1e-6


def _check_beside(case: Case, outcome: Outcome) -> Iterator[FactCheck]:
    """Subtitles and chapters: exact text, in order."""
    truth = case.truth
    if truth.subtitles:
        found = [plain_text.spaced(text) for text in outcome.texts("subtitle")]
        wanted = [plain_text.spaced(text) for text in truth.subtitles]
        yield FactCheck("subtitles", wanted, found, all(text in found for text in wanted))
    if truth.chapters:
        titles = [title for title, _, _ in truth.chapters]
        named = outcome.facts.extra.get("chapters", []) if outcome.facts else []
        found = [chapter["title"] for chapter in named]
        yield FactCheck("chapters", titles, found, titles == found)
