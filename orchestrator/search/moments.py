"""From matching segments to moments: what one hit is, and why it is there. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from infra.contents import FoundSegment
from infra.vectors.store import DENSE
from orchestrator.search.fusion import fuse
from orchestrator.search.spaces import ListName
from orchestrator.search.spoken import said_words
from schemas.search import Evidence, Hit
from schemas.segment import Place, place
from schemas.stages import SPACES, ModelRef

#: Segments of one asset that are at most this far apart in time touch.
GAP_S = 2.0

#: Neighbours in time are one moment only if they match about equally well: the second's score
#: is at least this share of the first's. Without it, a talk whose passages follow each other
#: without a gap would be one moment from beginning to end for every question.
AS_GOOD = 0.8


def source_stage(found: FoundSegment) -> str:
    """The stage that wrote what matched; a passage of text carries it in its extras."""
    return str(found.segment.extra.get("source", found.stage))


@dataclass(frozen=True, eq=False)
class Match:
    """A segment that matched in one space."""

    found: FoundSegment
    #: Similarity by list: the text space has two, each in its own unit.
    scores: Mapping[ListName, float]
    #: Fused over the lists; only orders the matches.
    score: float

    @cached_property
    def place(self) -> Place:
        """Where in the asset."""
        return place(self.found.segment.locator)

    @property
    def space(self) -> str:
        """Where it was found: a segment has a point in one space."""
        return next(iter(self.scores))[0]

    @property
    def stage(self) -> str:
        """Whose output matched."""
        return source_stage(self.found)


@dataclass(eq=False)
class Moment:
    """Matches of one asset that are one answer: a time span, a page, or a whole picture."""

    #: Best first.
    matches: list[Match]
    #: The best score in each list.
    scores: dict[ListName, float]
    #: Seconds from media start; None for pages and pictures.
    span: tuple[float, float] | None

    @classmethod
    def of(cls, matches: Iterable[Match]) -> Self:
        """Take matches that belong together."""
        ranked = sorted(matches, key=_score, reverse=True)
        times = [t for m in ranked for t in (m.place.start_s, m.place.end_s) if t is not None]
        return cls(ranked, _best(ranked), (min(times), max(times)) if times else None)


def group(matches: Iterable[Match]) -> list[Moment]:
    """Merge matches into moments: by touching in time, else by page, else by asset."""
    groups: dict[tuple[object, bool, int | None], list[Match]] = {}
    for match in matches:
        is_timed = match.place.start_s is not None
        groups.setdefault((match.found.asset_id, is_timed, match.place.page), []).append(match)
    moments: list[Moment] = []
    for (_, is_timed, _), members in groups.items():
        moments += _grow(members) if is_timed else [Moment.of(members)]
    return moments


def _grow(matches: Sequence[Match]) -> list[Moment]:
    """Let each match, best first, join the moments it touches or begin one of its own."""
    peaks = _best(matches)
    moments: list[Moment] = []
    for match in sorted(matches, key=_score, reverse=True):
        new = Moment.of([match])
        joined = [m for m in moments if _touch(m, new) and _is_as_good(match, m, peaks)]
        for moment in joined:
            moments.remove(moment)
            new = _merged(moment, new)
        moments.append(new)
    return [Moment.of(moment.matches) for moment in moments]


def _merged(one: Moment, other: Moment) -> Moment:
    """Both together, matches in no order."""
    assert one.span is not None
    assert other.span is not None
    span = min(one.span[0], other.span[0]), max(one.span[1], other.span[1])
    return Moment([*one.matches, *other.matches], _best([one, other]), span)


def _touch(one: Moment, other: Moment) -> bool:
    assert one.span is not None
    assert other.span is not None
    return one.span[0] <= other.span[1] + GAP_S and other.span[0] <= one.span[1] + GAP_S


def _is_as_good(match: Match, moment: Moment, peaks: Mapping[ListName, float]) -> bool:
    """Compared in a list that both are in; else with the best of that list in this asset."""
    return any(
        score >= AS_GOOD * moment.scores.get(name, peaks[name])
        for name, score in match.scores.items()
    )


def _best(matches: Iterable[Match | Moment]) -> dict[ListName, float]:
    best: dict[ListName, float] = {}
    for match in matches:
        for name, score in match.scores.items():
            best[name] = max(score, best.get(name, score))
    return best


def _score(match: Match) -> float:
    return match.score


def order(
    moments: Sequence[Moment], weights: Mapping[ListName, float]
) -> list[tuple[Moment, float]]:
    """Moments with their fused scores, best first.

    Each list ranks a moment by its best segment there, and the moment's score is the sum over
    lists. Ranks count moments, not segments: a video whose hundred frames look alike takes one
    rank of the visual list and pushes nobody else down by a hundred.
    """
    rankings = {
        name: sorted(
            (m for m in moments if name in m.scores), key=lambda m: m.scores[name], reverse=True
        )
        for name in weights
    }
    fused = fuse(rankings, weights)
    return sorted(fused.items(), key=lambda entry: entry[1], reverse=True)


def hit(
    moment: Moment, score: float, models: Mapping[str, ModelRef], asked: str | None = None
) -> Hit:
    """What a consumer sees of a moment that answers the text that was asked for.

    Text and box are of the best match that has text, so that they belong to each other; where
    nothing has text, the box is of the best match.
    """
    first = moment.matches[0]
    shown = next((m for m in moment.matches if m.found.segment.text), first)
    start_s, end_s = moment.span or (None, None)
    return Hit(
        uri=first.found.ref.uri,
        inside=first.found.inside,
        asset_id=first.found.asset_id,
        media_type=first.found.media_type,
        score=score,
        start_s=start_s,
        end_s=end_s,
        page=first.place.page,
        box=shown.place.box,
        text=shown.found.segment.text,
        evidence=_evidence(moment, models, asked),
    )


def _evidence(
    moment: Moment, models: Mapping[str, ModelRef], asked: str | None
) -> tuple[Evidence, ...]:
    """The best match of each (space, stage), best first."""
    best: dict[tuple[str, str], Match] = {}
    for match in moment.matches:
        best.setdefault((match.space, match.stage), match)
    return tuple(
        Evidence(
            space=space,
            stage=stage,
            model=_model(space, stage, models).title,
            score=_similarity(match),
            text=match.found.segment.text,
            said=said_words(match.found.segment, asked),
            **match.place._asdict(),
        )
        for (space, stage), match in best.items()
    )


def _model(space: str, stage: str, models: Mapping[str, ModelRef]) -> ModelRef:
    """What made the output that matched: the stage's model.

    Text that needed no model (text layers, subtitles) has only the one that made it findable.
    """
    return models[stage] if stage in models else models[SPACES[space].name]


def _similarity(match: Match) -> float:
    """The cosine where there is one; BM25 for text that matched by its words alone."""
    return match.scores.get((match.space, DENSE), next(iter(match.scores.values())))
