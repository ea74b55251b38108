import base64
import json
from pathlib import Path

import pytest

from infra.home_lock import HomeLock
from infra.settings import load_settings
from orchestrator.commands import EXIT_OK
from orchestrator.commands.search import (
    SearchOptions,
    parse_query,
    print_answer,
    print_hit,
    run_search,
    search,
)
from schemas.asset import MediaType
from schemas.errors import ConfigurationError
from schemas.search import Answer, Evidence, Hit, Query, SaidWord
from tests.orchestrator.api.test_client import ANSWER, Api, serve

ASSET = "6f0a3b5e-6d1c-4c52-9d53-0f8c3a1d7e42"


def make_options(**overrides) -> SearchOptions:
    fields = {
        "text": None,
        "image": None,
        "audio": None,
        "weight_image": 0.5,
        "kinds": (),
        "filters": (),
        "limit": 10,
    }
    return SearchOptions(**{**fields, **overrides})


def make_evidence(**overrides) -> Evidence:
    fields = {"space": "text", "stage": "ocr", "model": "m", "score": 0.5}
    return Evidence(**{**fields, **overrides})


def make_hit(**overrides) -> Hit:
    fields = {
        "uri": "file:///media/a%20b.jpg",
        "asset_id": ASSET,
        "media_type": "image",
        "score": 0.5,
        "evidence": (make_evidence(),),
    }
    return Hit(**{**fields, **overrides})


# -- what is asked ---------------------------------------------------------------------------


def test_query_is_what_was_typed(tmp_path):
    (tmp_path / "q.jpg").write_bytes(b"\xff\xd8")

    query = parse_query(
        make_options(
            text="red",
            image=tmp_path / "q.jpg",
            weight_image=0.7,
            kinds=(MediaType.IMAGE,),
            filters=("language=en", "page=3", "created_after=2026-01-01", f"asset_id={ASSET}"),
            limit=3,
        )
    )

    assert (query.text, query.image, query.audio) == ("red", b"\xff\xd8", None)
    assert (query.weight_image, query.limit) == (0.7, 3)
    assert (query.filter.kinds, query.filter.language, query.filter.page) == (("image",), "en", 3)
    assert query.filter.created_after.year == 2026
    assert str(query.filter.asset_id) == ASSET


def test_value_of_a_filter_may_hold_an_equals_sign():
    assert parse_query(make_options(text="x", filters=("bucket=a=b",))).filter.bucket == "a=b"


@pytest.mark.parametrize("text", [None, "", "   \n"])
def test_query_of_nothing_is_refused(text):
    with pytest.raises(ConfigurationError, match="nothing to look for: give TEXT"):
        parse_query(make_options(text=text))


@pytest.mark.parametrize(
    ("path", "reason"), [("no-such.jpg", "No such file"), (".", "Is a directory")]
)
@pytest.mark.parametrize("kind", ["image", "audio"])
def test_file_that_cannot_be_read_is_named(kind, path, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match=rf"{path}: {reason}"):
        parse_query(make_options(**{kind: Path(path)}))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("language", "--filter language: expected KEY=VALUE"),
        ("colour=red", "--filter colour=red: no such key; known: asset_id, mime_type, bucket"),
        ("=red", "no such key"),
        ("kinds=image", "no such key"),
        ("page=three", "--filter page=three: Input should be a valid integer"),
        ("asset_id=3", "--filter asset_id=3: Input should be a valid UUID"),
        ("created_after=yesterday", "--filter created_after=yesterday: .*datetime"),
    ],
)
def test_filter_that_is_none_says_what_was_found(entry, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_query(make_options(text="x", filters=(entry,)))


# -- who answers -----------------------------------------------------------------------------


@pytest.fixture
def settings(store, stub_deps):
    """Settings of a store that exists."""
    return load_settings()


def test_store_that_is_free_is_asked_itself(settings, stub_deps):
    query = Query(text="red")

    search(settings, query)

    assert stub_deps.newest.queries == [(query, "default")]


def test_running_api_answers_for_its_store(settings, home):
    api = Api(body=ANSWER.model_dump_json())
    with serve(api) as url, HomeLock(home, "up") as lock:
        lock.announce(command="up", url=url, tenant="default")

        answer = search(settings, Query(text="red", image=b"\xff"))

    assert answer == ANSWER
    assert api.request["text"] == "red"
    assert base64.b64decode(api.request["image"]) == b"\xff"


def test_api_of_another_tenant_is_not_asked(settings, home):
    api = Api(body=ANSWER.model_dump_json())
    with serve(api) as url, HomeLock(home, "up") as lock:
        lock.announce(command="up", url=url, tenant="theirs")

        with pytest.raises(ConfigurationError, match="in use by `sluice up`"):
            search(settings, Query(text="red"))

    assert api.request is None


@pytest.mark.parametrize("is_taken", [False, True])
def test_stale_note_of_an_api_falls_back_to_the_store(settings, home, stub_deps, is_taken):
    """The process was killed; perhaps another program has its port now."""
    other = Api(body="<h1>hello</h1>", content_type="text/html")
    with serve(other) as url:
        if is_taken:
            leave_note(home, url)
            search(settings, Query(text="red"))
    if not is_taken:
        leave_note(home, url)
        search(settings, Query(text="red"))

    assert len(stub_deps.newest.queries) == 1


def leave_note(home, url):
    with HomeLock(home, "up") as lock:
        lock.announce(command="up", url=url, tenant="default")


def test_store_without_an_api_is_not_shared(settings, home):
    with HomeLock(home, "ingest"), pytest.raises(ConfigurationError, match="`sluice ingest`"):
        search(settings, Query(text="red"))


def test_server_profile_asks_no_lock_file(settings, home, stub_deps):
    leave_note(home, "http://127.0.0.1:1")
    clustered = settings.model_copy(update={"broker_url": "amqp://localhost"})

    search(clustered, Query(text="red"))

    assert len(stub_deps.newest.queries) == 1


def test_search_makes_no_store(home, stub_deps):
    with pytest.raises(ConfigurationError, match="no store there yet"):
        run_search(make_options(text="red"), tenant=None, as_json=False)

    assert not home.exists()


# -- what is printed -------------------------------------------------------------------------


def test_search_prints_one_document(settings, stub_deps, capsys):
    stub_deps.answer = Answer(hits=(make_hit(box=(0.0, 0.1, 0.2, 0.3)),), took_ms=2.0)

    status = run_search(make_options(text="red"), tenant=None, as_json=True)

    printed = capsys.readouterr().out
    assert status == EXIT_OK
    assert Answer.model_validate_json(printed) == stub_deps.answer
    assert set(json.loads(printed)["hits"][0]) == {
        *("uri", "inside", "asset_id", "media_type", "score", "start_s", "end_s"),
        *("page", "box", "text", "evidence"),
    }


def test_search_names_the_parent_and_the_path_inside(settings, stub_deps, capsys):
    inside = ("a [1].zip", "x/invoice.pdf")
    hit = make_hit(uri="s3://b/in/mail.eml", inside=inside, media_type="document", page=2)
    stub_deps.answer = Answer(hits=(hit,), took_ms=2.0)

    run_search(make_options(text="total"), tenant=None, as_json=False)

    shown = capsys.readouterr().out.splitlines()[0].strip()
    assert shown == "1  mail.eml \u203a a [1].zip \u203a x/invoice.pdf  page 2  document"


def test_search_tells_people_where_what_and_why(settings, stub_deps, capsys):
    evidence = (make_evidence(), make_evidence(stage="transcribe", model="w", score=3.25))
    hits = (
        make_hit(media_type="video", start_s=12.0, end_s=17.5, text="the end", evidence=evidence),
        make_hit(uri="s3://b/doc.pdf", media_type="document", page=3),
    )
    stub_deps.answer = Answer(hits=hits, took_ms=2.0)

    run_search(make_options(text="red"), tenant=None, as_json=False)

    assert capsys.readouterr().out.splitlines() == [
        "  1  a b.jpg  0:12.0 - 0:17.5  video",
        "     the end",
        "     written (ocr, m) 0.50 \u00b7 said (transcribe, w) 3.25",
        "  2  doc.pdf  page 3  document",
        "     written (ocr, m) 0.50",
    ]


def test_search_tells_the_second_of_a_spoken_word(capsys):
    said = [SaidWord(word=word, start_s=72.34, end_s=73) for word in ("red,", *"bcdefg")]

    print_hit(1, make_hit(evidence=(make_evidence(stage="transcribe", said=said),)))

    shown = capsys.readouterr().out.splitlines()[-1].strip()
    assert shown == (
        "said (transcribe, m) 0.50: red, 1:12.3, b 1:12.3, c 1:12.3, d 1:12.3, e 1:12.3"
    )


def test_stage_without_a_sense_is_called_by_its_name(capsys):
    hit = make_hit(evidence=(make_evidence(stage="sing"),))

    print_answer(Answer(hits=(hit,), took_ms=1.0))

    assert "sing (sing, m) 0.50" in capsys.readouterr().out


def test_long_text_is_cut_and_put_on_one_line(capsys):
    print_answer(Answer(hits=(make_hit(text="word\n  word " * 100),), took_ms=1.0))

    snippet = capsys.readouterr().out.splitlines()[1].strip()
    assert snippet.startswith("word word word")
    assert snippet.endswith("\u2026")
    assert len(snippet) == 160


def test_text_of_media_cannot_command_the_terminal(capsys):
    print_answer(Answer(hits=(make_hit(text="[red]a[/] \x1b[2J :smile:"),), took_ms=1.0))

    assert capsys.readouterr().out.splitlines()[1] == r"     [red]a[/] \x1b[2J :smile:"


def test_no_match_is_no_answer_on_stdout(capsys):
    print_answer(Answer(hits=(), took_ms=1.0))

    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "no match\n")
