"""`sluice demo`: the committed samples through the whole pipeline, then sample searches."""

from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.ingest import STOPPED_HINT, ingest
from orchestrator.commands.inspect import print_failed
from orchestrator.commands.places import name, plain
from orchestrator.commands.search import print_hit
from orchestrator.commands.session import err, open_deps, out, print_json
from orchestrator.deps import Deps
from orchestrator.ingest import UNWELL
from orchestrator.pump import Stopped
from schemas.asset import MediaType
from schemas.job import Priority
from schemas.reports import DemoReport, DemoSearch, IngestReport
from schemas.search import Filter, Query
from schemas.stages import STAGES

SAMPLES = Path(__file__).parents[2] / "demo" / "samples"
#: What is in the samples; not one of them.
_TRUTH_FILE = "truth.json"
_HITS_SHOWN = 2
_TOYS = (
    "Reading and sentence search are real. Eyes and ears are toys, trained on a world of coloured "
    "shapes, simple sounds and 83 words."
)
#: Columns that a table with all stages needs.
_WIDE = 100


class _Sample(NamedTuple):
    """A search over the samples."""

    title: str
    text: str | None = None
    image: str | None = None
    audio: str | None = None
    kinds: tuple[MediaType, ...] = ()

    def query(self) -> Query:
        return Query(
            text=self.text,
            image=(SAMPLES / self.image).read_bytes() if self.image else None,
            audio=(SAMPLES / self.audio).read_bytes() if self.audio else None,
            filter=Filter(kinds=self.kinds),
            limit=_HITS_SHOWN,
        )


SEARCHES = (
    _Sample("text to document page", text="delivery of lanterns", kinds=(MediaType.DOCUMENT,)),
    _Sample("text to picture", text="a red circle above a blue square", kinds=(MediaType.IMAGE,)),
    _Sample("text to video second", text="a large blue heart", kinds=(MediaType.VIDEO,)),
    _Sample("spoken words to second", text="seven seconds", kinds=(MediaType.AUDIO,)),
    _Sample("text to sound", text="a rising sweep", kinds=(MediaType.AUDIO,)),
    _Sample("image to image", image="circle-above-square-again.png", kinds=(MediaType.IMAGE,)),
    _Sample("sound to sound", audio="sounds.ogg", kinds=(MediaType.AUDIO,)),
    _Sample("fused over everything", text="a red circle above a blue square"),
)


def run_demo(*, as_json: bool) -> int:
    """Ingest the samples, search them, print both; the exit status."""
    sources = sorted(str(p) for p in SAMPLES.iterdir() if p.name != _TRUTH_FILE)
    try:
        with open_deps("demo") as deps:
            report = ingest(deps, sources, Priority.INTERACTIVE)
            searches = tuple(_search(deps, sample) for sample in SEARCHES)
            untrained = [m.title for m in deps.settings.model_refs.values() if m.random_weights]
    except Stopped:
        err.print(STOPPED_HINT)
        return EXIT_STOPPED
    if as_json:
        print_json(DemoReport(ingest=report, searches=searches, untrained=tuple(untrained)))
    else:
        _print(report, searches, untrained)
    return EXIT_FAILED if any(report.counts.get(state) for state in UNWELL) else EXIT_OK


def _search(deps: Deps, sample: _Sample) -> DemoSearch:
    query = sample.query()
    answer = deps.searcher.search(query, deps.settings.tenant)
    return DemoSearch(
        title=sample.title, query=sample.text or sample.image or sample.audio or "", answer=answer
    )


def _print(report: IngestReport, searches: tuple[DemoSearch, ...], untrained: list[str]) -> None:
    out.print(_stage_table(report))
    for asset in report.assets:
        if asset.state in UNWELL:
            print_failed(asset.uri, asset.failures, asset.state.value)
    out.print(f"{len(report.assets)} samples in {report.seconds:.1f} s\n")
    for search in searches:
        took = f"[dim]{search.answer.took_ms:.0f} ms[/]"
        out.print(f"[bold]{search.title}[/]: {plain(search.query)}  {took}")
        for rank, hit in enumerate(search.answer.hits, start=1):
            print_hit(rank, hit)
        if not search.answer.hits:
            out.print("     no match")
        out.print()
    if untrained:
        models = ", ".join(model.removesuffix(" (random weights)") for model in untrained)
        out.print(
            "[yellow]Reading and sentence search are real. Random weights, so their output means "
            f"nothing: {models}[/]"
        )
    else:
        out.print(f"[dim]{_TOYS}[/]")
    out.print('Next: sluice ingest FOLDER, then sluice search "what you look for"')


def _stage_table(report: IngestReport) -> Table:
    """One row per sample: seconds and segments, of each stage where there is room."""
    if out.width < _WIDE:
        return _sum_table(report)
    stages = [name for name in STAGES if any(name in asset.stages for asset in report.assets)]
    table = Table(box=None, pad_edge=False, caption="seconds, segments", caption_justify="right")
    table.add_column("sample", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for stage_name in stages:
        header = stage_name.replace("_", "\n")
        table.add_column(header, justify="right", no_wrap=True, vertical="bottom")
    for asset in report.assets:
        ran = map(asset.stages.get, stages)
        cells = [f"{stage.seconds:.1f} {stage.n_segments:>2}" if stage else "" for stage in ran]
        table.add_row(name(asset.uri), asset.state.value, *cells)
    return table


def _sum_table(report: IngestReport) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("sample", overflow="fold")
    table.add_column("state")
    for header in ("seconds", "segments"):
        table.add_column(header, justify="right")
    for asset in report.assets:
        seconds = sum(stage.seconds for stage in asset.stages.values())
        state = asset.state.value
        table.add_row(name(asset.uri), state, f"{seconds:.1f}", str(asset.segments))
    return table
