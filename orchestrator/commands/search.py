"""`sluice search`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.home_lock import read_owner
from infra.settings import Settings
from orchestrator.commands import EXIT_OK
from orchestrator.commands.places import clock, name, plain, spot
from orchestrator.commands.session import (
    err,
    open_settings,
    out,
    print_indented,
    print_json,
    require_store,
)
from schemas.asset import MediaType
from schemas.errors import ConfigurationError
from schemas.search import Answer, Evidence, Filter, Hit, Query

#: Longest piece of text shown per hit.
_SNIPPET_CHARS = 160
#: Spoken words of the query that evidence shows.
_SHOWN_WORDS = 5
#: Columns before what is said of a hit.
_INDENT = 5
#: `--kind` has an option of its own.
_FILTERS = [field for field in Filter.model_fields if field != "kinds"]

#: How people call what a stage's output stands for.
_SENSES = {
    "embed_visual": "seen",
    "caption": "seen",
    "ocr": "written",
    "prepare": "written",
    "transcribe": "said",
    "embed_audio": "heard",
}


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What the user asked for, as typed."""

    text: str | None
    image: Path | None
    audio: Path | None
    weight_image: float
    kinds: tuple[MediaType, ...]
    filters: tuple[str, ...]
    limit: int


def run_search(options: SearchOptions, *, tenant: str | None, as_json: bool) -> int:
    """Search and print; the exit status."""
    query = parse_query(options)
    answer = search(open_settings(tenant), query)
    if as_json:
        print_json(answer)
    else:
        print_answer(answer)
    return EXIT_OK


def search(settings: Settings, query: Query) -> Answer:
    """Ask the store directly, or the API of the process that has it open.

    Raises:
        ConfigurationError: there is no store, or another command has it open.
    """
    require_store(settings)
    owner = read_owner(settings.home) if settings.is_embedded else {}
    # The API answers for its own tenant, whoever asks.
    if (url := owner.get("url")) and owner.get("tenant") == settings.tenant:
        from orchestrator.api.client import Unreachable, ask

        try:
            return ask(url, query)
        except Unreachable:
            pass  # that process is gone; its note was left behind
    from orchestrator.deps import Deps

    with Deps(settings, "search") as deps:
        return deps.searcher.search(query, settings.tenant)


def parse_query(options: SearchOptions) -> Query:
    """The query in the searcher's terms.

    Raises:
        ConfigurationError: nothing to look for, an unreadable file, or an unknown filter.
    """
    if not ((options.text and options.text.strip()) or options.image or options.audio):
        raise ConfigurationError("nothing to look for: give TEXT, --image or --audio")
    return Query(
        text=options.text,
        image=_read(options.image),
        audio=_read(options.audio),
        weight_image=options.weight_image,
        filter=_parse_filter(options),
        limit=options.limit,
    )


def _read(path: Path | None) -> bytes | None:
    try:
        return path.read_bytes() if path else None
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc


def _parse_filter(options: SearchOptions) -> Filter:
    fields: dict[str, Any] = {"kinds": options.kinds}
    for entry in options.filters:
        key, equals, value = entry.partition("=")
        if not equals:
            raise ConfigurationError(f"--filter {entry}: expected KEY=VALUE")
        if key not in _FILTERS:
            known = ", ".join(_FILTERS)
            raise ConfigurationError(f"--filter {entry}: no such key; known: {known}")
        fields[key] = value
    try:
        return Filter.model_validate(fields)
    except ValidationError as exc:
        first = exc.errors()[0]
        wrong = str(first["loc"][0])
        raise ConfigurationError(f"--filter {wrong}={fields[wrong]}: {first['msg']}") from exc


def print_answer(answer: Answer) -> None:
    """One hit per paragraph: where, what it says, why it matched."""
    if not answer.hits:
        err.print("no match")
        return
    for rank, hit in enumerate(answer.hits, start=1):
        print_hit(rank, hit)


def print_hit(rank: int, hit: Hit) -> None:
    """Where a hit is, its text, and the evidence for it."""
    spots = spot(hit.page, hit.start_s, hit.end_s)
    where = f"  [cyan]{spots}[/]" if spots else ""
    kind = f"  [dim]{hit.media_type.value}[/]"
    shown = name(hit.uri, hit.inside)
    out.print(f"[dim]{rank:>3}[/]  [bold]{shown}[/]{where}{kind}", soft_wrap=True)
    if hit.text:
        snippet = " ".join(hit.text.split())
        if len(snippet) > _SNIPPET_CHARS:
            snippet = snippet[: _SNIPPET_CHARS - 1] + "\u2026"
        print_indented(plain(snippet), _INDENT)
    why = " \u00b7 ".join(_why(evidence) for evidence in hit.evidence)
    print_indented(f"[dim]{plain(why)}[/]", _INDENT)


def _why(evidence: Evidence) -> str:
    sense = _SENSES.get(evidence.stage, evidence.stage)
    words = [f"{said.word} {clock(said.start_s)}" for said in evidence.said[:_SHOWN_WORDS]]
    when = f": {', '.join(words)}" if words else ""
    return f"{sense} ({evidence.stage}, {evidence.model}) {evidence.score:.2f}{when}"
