"""The report as one HTML file: no script, nothing fetched, everything in it escaped."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from orchestrator.evaluation.cards import PLAYERS, Card, make_card, show_value
from orchestrator.evaluation.measure import Measured
from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import METRICS
from schemas.evaluation import EvalReport

#: Files of each kind that are shown beside their media; the table below names all.
_MAX_CARDS = 30

#: The picture of a file as a data URI.
FindPreview = Callable[[Outcome], str | None]


def render(
    measured: Measured, report: EvalReport, title: str, folder: Path, find_preview: FindPreview
) -> str:
    """The page.

    Args:
        measured: what was measured.
        report: the figures made of it.
        title: what was evaluated.
        folder: where the page will lie; links are relative to it.
        find_preview: gives pictures.
    """
    environment = Environment(
        loader=PackageLoader("orchestrator.evaluation", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html")
    return template.render(
        title=title,
        report=report,
        sections=_sections(measured, folder, find_preview),
        metrics=[(name, METRICS[name]) for name in METRICS if name in report.metrics],
        show=show_value,
        players=PLAYERS,
    )


def _sections(
    measured: Measured, folder: Path, find_preview: FindPreview
) -> list[tuple[str, list[tuple[Card, str | None]], list[Card]]]:
    """(kind, worst cards with pictures, all cards), the worst first."""
    cards = [(make_card(measured, n, folder), n) for n in range(len(measured.cases))]
    cards.sort(key=lambda entry: entry[0].name)
    cards.sort(key=lambda entry: entry[0].badness, reverse=True)
    sections = []
    for kind in dict.fromkeys(case.kind for case in measured.cases):
        own = [entry for entry in cards if entry[0].kind == kind]
        worst = [entry for entry in own if entry[0].badness[0] > 0.0][:_MAX_CARDS]
        shown = [(card, find_preview(measured.outcomes[n])) for card, n in worst]
        sections.append((kind, shown, [card for card, _ in own]))
    return sections
