"""What the pipeline made of a file, as far as scores look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.catalog import Catalog
from infra.contents import Contents
from infra.database import Database
from infra.folder_store import file_key
from infra.reports import Reports
from orchestrator.evaluation.truths import Case
from schemas.asset import FILE_BUCKET, Artifact, AssetId, AssetState, MediaFacts, ObjectRef
from schemas.errors import Failure
from schemas.segment import Segment, place
from schemas.stages import ModelRef

#: Segments that only repeat what others hold.
_REPEATS = frozenset({"passage", "sound"})
#: What a player shows beside the media, which is no text of a page.
_BESIDE = frozenset({"chapter", "subtitle"})


@dataclass(frozen=True)
class Outcome:
    """State, facts and segments of one file."""

    uri: str
    asset_id: AssetId | None = None
    #: None: it never came in.
    state: AssetState | None = None
    facts: MediaFacts | None = None
    #: (stage, segment) in reading or time order.
    segments: Sequence[tuple[str, Segment]] = ()
    failures: Sequence[Failure] = ()
    #: Seconds of all stages.
    seconds: float = 0.0
    artifacts: Sequence[Artifact] = field(default=(), repr=False)

    @property
    def error(self) -> str | None:
        """`Class: message` of the first failure."""
        return f"{self.failures[0].category}: {self.failures[0].message}" if self.failures else None

    def of_stage(self, stage: str) -> list[Segment]:
        """Segments with text that one stage wrote."""
        return [s for name, s in self.segments if name == stage and s.text]

    @property
    def has_text_layer(self) -> bool:
        """Whether text was found in the file itself, without looking at a picture of it."""
        return any(s.role not in _BESIDE for s in self.of_stage("prepare"))

    @property
    def written(self) -> list[Segment]:
        """Everything that is written in it, page after page: text layers, then what was read."""
        written = [*self.of_stage("prepare"), *self.of_stage("ocr")]
        by_page = sorted(written, key=lambda s: place(s.locator).page or 0)
        return [s for s in by_page if s.role not in _BESIDE]

    @property
    def read_text(self) -> str:
        """The same as one text."""
        return "\n".join(s.text or "" for s in self.written)

    @property
    def transcript(self) -> str:
        """What was heard and may be found; gated speech is not a transcript."""
        return " ".join(s.text or "" for s in self.of_stage("transcribe") if s.searchable)

    @property
    def captions(self) -> list[Segment]:
        """Descriptions of pictures, of a video one per shot."""
        return [s for s in self.of_stage("caption") if s.role not in _REPEATS]

    @property
    def cuts_s(self) -> list[float]:
        """Starts of all shots but the first."""
        shots = self.facts.extra.get("shots", []) if self.facts else []
        return [float(shot["start_s"]) for shot in shots[1:]]

    def texts(self, role: str) -> list[str]:
        """Texts of one role."""
        return [s.text or "" for _, s in self.segments if s.role == role]


def object_ref(case: Case) -> ObjectRef:
    """The object that the case's file is."""
    return ObjectRef(bucket=FILE_BUCKET, key=file_key(case.path))


def read_outcomes(
    database: Database, tenant: str, models: Mapping[str, ModelRef], cases: Sequence[Case]
) -> list[Outcome]:
    """One outcome per case, in their order."""
    refs = [object_ref(case) for case in cases]
    with database.read_scope() as session:
        reports = {r.uri: r for r in Reports(session, tenant, models).ingested(refs)}
        contents, catalog = Contents(session), Catalog(session)
        outcomes = []
        for ref in refs:
            report = reports.get(ref.uri)
            if report is None or report.asset_id is None:
                outcomes.append(Outcome(uri=ref.uri))
                continue
            asset = catalog.find_asset(tenant, report.asset_id)
            outcomes.append(
                Outcome(
                    uri=ref.uri,
                    asset_id=report.asset_id,
                    state=report.state,
                    facts=asset.facts if asset else None,
                    segments=[
                        entry
                        for entry in contents.segments(report.asset_id)
                        if entry[1].role not in _REPEATS
                    ],
                    failures=report.failures,
                    seconds=sum(stage.seconds for stage in report.stages.values()),
                    artifacts=contents.artifacts(report.asset_id),
                )
            )
    return outcomes
