"""Cases and outcomes: `make_x` builds a value."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.truths import Case, Truth
from schemas.asset import AssetId, AssetState, MediaType
from schemas.segment import TimeSpan
from tests.factories import make_facts, make_segment


def make_case(name: str = "a.jpg", group: str | None = None, **truth: Any) -> Case:
    return Case(
        path=Path("/media") / name,
        truth=Truth.model_validate(truth),
        folder=".",
        group=group or name,
    )


def make_outcome(kind: str = "document", **overrides: Any) -> Outcome:
    """`extra` and other fields of facts may be given; `texts` are (stage, text)."""
    texts = overrides.pop("texts", [])
    facts = {
        k: overrides.pop(k)
        for k in ("extra", "width_px", "n_pages", "duration_s", "n_frames")
        if k in overrides
    }
    fields = {
        "uri": "file:///media/a.jpg",
        "asset_id": AssetId(uuid4()),
        "state": AssetState.READY,
        "facts": make_facts(media_type=MediaType(kind), **facts),
        "segments": [
            (stage, make_segment(ordinal=n, text=text)) for n, (stage, text) in enumerate(texts)
        ],
    }
    return Outcome(**{**fields, **overrides})


def caption(text: str, start_s: float | None = None, end_s: float | None = None, **extra: Any):
    locator = None if start_s is None else TimeSpan(start_s=start_s, end_s=end_s or start_s)
    return "caption", make_segment(text=text, role="caption", locator=locator, extra=extra)
