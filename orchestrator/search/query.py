"""One question, from what the user gave to the moments that answer it."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from uuid import UUID

from infra.contents import Contents, FoundSegment
from infra.database import Database
from infra.vectors.store import Space, VectorStore
from orchestrator.search.fusion import fuse
from orchestrator.search.moments import Match, Moment, group, hit, order, source_stage
from orchestrator.search.spaces import ListName, Probe, QueryEncoder, probes, space_weights
from schemas.search import Answer, Filter, Query
from schemas.stages import SPACES, ModelRef, model_fingerprint

#: Points first asked of each list, per hit wanted: several points make one moment.
POINTS_PER_HIT = 5
MIN_POINTS = 100
#: How many more are asked while moments are missing, and when to stop.
DEEPER = 4
MAX_POINTS = 10_000

#: Stages that points may carry.
_POINT_STAGES = frozenset(spec.name for spec in SPACES.values())

#: Ids of one database query; SQLite takes 32766 parameters.
HYDRATE_IDS = 10_000


class Searcher:
    """Answers queries; safe to share between threads."""

    def __init__(
        self,
        database: Database,
        vectors: VectorStore,
        encoder: QueryEncoder,
        models: Mapping[str, ModelRef],
    ) -> None:
        """Take what it works with.

        Args:
            database: says which spaces hold points and what a point stands for.
            vectors: the points.
            encoder: puts queries into the same spaces.
            models: the model of each stage; evidence names it, and random weights distrust it.
        """
        self._database = database
        self._vectors = vectors
        self._encoder = encoder
        self._models = models

    def search(self, query: Query, tenant: str) -> Answer:
        """Find the moments that answer, best first; none is an honest answer.

        Raises:
            PermanentError: the query's image or audio cannot be read.
            TransientError: the database or the vector store does not answer.
        """
        started = perf_counter()
        weights = space_weights(query, self._models)
        asked = [
            probe
            for space in self._spaces(weights)
            for probe in probes(query, space, self._encoder, self._models)
        ]
        list_weights = {probe.name: weights[probe.space.name] for probe in asked}
        moments = self._moments(query, tenant, asked, list_weights)
        best = order(moments, list_weights)[: query.limit]
        hits = tuple(hit(moment, score, self._models, query.text) for moment, score in best)
        return Answer(hits=hits, took_ms=(perf_counter() - started) * 1000)

    def _spaces(self, weights: Mapping[str, float]) -> list[Space]:
        """Collections of the models in use that hold points: no others need a model loaded."""
        with self._database.read_scope() as session:
            known = Contents(session).spaces()
        return [
            space
            for space in known
            if space.name in weights
            and space.fingerprint == model_fingerprint(self._models[SPACES[space.name].name])
        ]

    def _moments(
        self,
        query: Query,
        tenant: str,
        asked: Sequence[Probe],
        weights: Mapping[ListName, float],
    ) -> list[Moment]:
        """All moments of the nearest points; asks deeper until there are enough."""
        n_points = max(MIN_POINTS, POINTS_PER_HIT * query.limit)
        while True:
            answers = [self._retrieve(probe, tenant, query.filter, n_points) for probe in asked]
            lists = _lists(asked, answers)
            moments = group(self._matches(lists, weights, tenant, query.filter.stage))
            is_all = all(len(scores) < n_points for scores in answers)
            if is_all or len(moments) >= query.limit or n_points >= MAX_POINTS:
                return moments
            n_points = min(MAX_POINTS, n_points * DEEPER)

    def _retrieve(
        self, probe: Probe, tenant: str, wanted: Filter, n_points: int
    ) -> dict[UUID, float]:
        """Scores of the nearest points by segment, best first."""
        if wanted.stage not in _POINT_STAGES:
            # Points of passages carry the stage that embedded them; `_matches` looks closer.
            wanted = wanted.model_copy(update={"stage": None})
        points = self._vectors.search(
            probe.space, tenant, probe.vector, filter=wanted, limit=n_points
        )
        return {point.id: point.score for point in points if point.score >= probe.floor}

    def _matches(
        self,
        lists: Mapping[ListName, Mapping[UUID, float]],
        weights: Mapping[ListName, float],
        tenant: str,
        stage: str | None,
    ) -> list[Match]:
        """The segments that the database vouches for, each once with its scores in all lists."""
        ids = list(dict.fromkeys(key for scores in lists.values() for key in scores))
        found = {k: f for k, f in self._hydrate(tenant, ids).items() if self._speaks(f, stage)}
        rankings = {name: [k for k in scores if k in found] for name, scores in lists.items()}
        return [
            Match(
                found=found[key],
                scores={name: scores[key] for name, scores in lists.items() if key in scores},
                score=score,
            )
            for key, score in fuse(rankings, weights).items()
        ]

    def _hydrate(self, tenant: str, ids: Sequence[UUID]) -> dict[UUID, FoundSegment]:
        found: dict[UUID, FoundSegment] = {}
        with self._database.read_scope() as session:
            for start in range(0, len(ids), HYDRATE_IDS):
                found |= Contents(session).hydrate(tenant, ids[start : start + HYDRATE_IDS])
        return found

    def _speaks(self, found: FoundSegment, stage: str | None) -> bool:
        """Whether the segment is of the stage asked for and has something to say.

        Words of an untrained captioner or recogniser are noise, unless it was asked for.
        """
        source = source_stage(found)
        if stage is not None:
            return stage in (source, found.stage)
        writer = self._models.get(source)
        return source == found.stage or writer is None or not writer.random_weights


def _lists(
    asked: Sequence[Probe], answers: Sequence[Mapping[UUID, float]]
) -> dict[ListName, dict[UUID, float]]:
    """Scores by list, best first; of a point that several windows find, the best one counts."""
    lists: dict[ListName, dict[UUID, float]] = {probe.name: {} for probe in asked}
    for probe, scores in zip(asked, answers, strict=True):
        ranked = lists[probe.name]
        for key, score in scores.items():
            ranked[key] = max(score, ranked.get(key, score))
    return {
        name: dict(sorted(scores.items(), key=lambda item: -item[1]))
        for name, scores in lists.items()
    }
