"""Matches, models and found segments with everything that a test does not care about filled in."""

from uuid import UUID, uuid5

from infra.contents import FoundSegment
from orchestrator.search.moments import Match
from schemas.asset import AssetId, MediaType, ObjectRef
from schemas.segment import NAMESPACE, Segment
from schemas.stages import SPACES, ModelRef

STAGES_WITH_MODEL = (
    "ocr",
    "caption",
    "transcribe",
    "embed_visual",
    "embed_audio",
    "embed_text",
)


def make_models(*untrained: str) -> dict[str, ModelRef]:
    return {
        stage: ModelRef(
            source=f"{stage}-model", revision="1", family="f", random_weights=stage in untrained
        )
        for stage in STAGES_WITH_MODEL
    }


def make_asset_id(name: str) -> AssetId:
    return AssetId(uuid5(NAMESPACE, name))


def make_match(asset="a", locator=None, words=None, source=None, **scores) -> Match:
    """`scores` are by list: `visual=0.3`, `text=0.5` (dense) or `bm25=7.0`."""
    lists = {
        ("text", "bm25") if name == "bm25" else (name, "dense"): score
        for name, score in scores.items()
    }
    space = next(iter(lists))[0]
    found = FoundSegment(
        UUID(int=0),
        make_asset_id(asset),
        MediaType.VIDEO,
        ObjectRef(bucket="b", key=asset),
        SPACES[space].name,
        Segment(ordinal=0, locator=locator, text=words, extra={"source": source} if source else {}),
    )
    return Match(found=found, scores=lists, score=sum(lists.values()))
