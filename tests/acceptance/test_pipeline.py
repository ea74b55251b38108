"""All four kinds of media through the real stages, by the real command line."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SAMPLES, Store

Ingested = tuple[Store, Any]


def by_name(report: Any) -> dict[str, Any]:
    return {asset["uri"].rsplit("/", 1)[-1]: asset for asset in report["assets"]}


def test_every_sample_ends_ready(ingested: Ingested) -> None:
    _, report = ingested

    states = {name: asset["state"] for name, asset in by_name(report).items()}

    assert set(states.values()) == {"ready"}, states
    assert report["counts"] == {"ready": len(states)}


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("sign.png", {"prepare", "ocr", "caption", "embed_visual", "embed_text"}),
        ("guide.pdf", {"prepare", "ocr", "caption", "embed_visual", "embed_text"}),
        ("shapes.docx", {"prepare", "embed_text"}),
        ("talk.flac", {"prepare", "transcribe", "embed_audio", "embed_text"}),
        (
            "lesson.mp4",
            {
                "prepare",
                "ocr",
                "caption",
                "transcribe",
                "embed_visual",
                "embed_audio",
                "embed_text",
            },
        ),
    ],
)
def test_each_kind_runs_its_stages(ingested: Ingested, name: str, stages: set[str]) -> None:
    _, report = ingested

    ran = by_name(report)[name]["stages"]

    assert set(ran) == stages
    assert all(stage["seconds"] > 0 for stage in ran.values())


def test_ingesting_again_does_no_work(ingested: Ingested, samples: list[str]) -> None:
    store, first = ingested

    again = store.json("ingest", *samples)

    assert again["assets"] == first["assets"]


def test_text_finds_the_scanned_page(ingested: Ingested) -> None:
    store, _ = ingested

    hits = store.json("search", "orange lanterns at the harbour", "--kind", "document")["hits"]

    assert (Path(hits[0]["uri"]).name, hits[0]["page"]) == ("guide.pdf", 3)
    assert hits[0]["evidence"][0]["stage"] == "ocr"


def test_text_finds_the_picture_by_what_is_written(find: Any, truth: Any) -> None:
    hits = find(truth["sign.png"]["text"], kinds=("image",))

    assert Path(hits[0].uri).name == "sign.png"
    assert hits[0].box is not None


def test_text_finds_the_second_of_the_video(find: Any, truth: Any) -> None:
    shown = next(shot for shot in truth["shapes.mp4"]["shots"] if shot.get("printed") == "the end")

    best = find("the end", kinds=("video",), stage="ocr")[0]

    assert Path(best.uri).name == "shapes.mp4"
    assert best.start_s == pytest.approx(shown["start_s"], abs=0.5)
    assert best.end_s == pytest.approx(shown["end_s"], abs=0.5)


def test_text_finds_the_second_it_is_said_by_subtitles(find: Any, truth: Any) -> None:
    best = find("the pink heart turns blue", kinds=("video",), stage="prepare")[0]

    assert Path(best.uri).name == "lesson.mp4"
    assert best.start_s == pytest.approx(4.8, abs=2.0)


def test_image_finds_itself_first(find: Any) -> None:
    hits = find(image=(SAMPLES / "sign.png").read_bytes(), kinds=("image",))

    assert Path(hits[0].uri).name == "sign.png"
    assert hits[0].evidence[0].score == pytest.approx(1.0, abs=1e-3)


def test_sound_finds_itself_first(find: Any) -> None:
    hits = find(audio=(SAMPLES / "sounds.ogg").read_bytes(), kinds=("audio",))

    assert Path(hits[0].uri).name == "sounds.ogg"


def test_nonsense_finds_nothing(find: Any) -> None:
    assert find("glorptastic snozzberries") == ()


def test_show_gives_the_page_in_reading_order(ingested: Ingested, truth: Any) -> None:
    store, _ = ingested

    shown = store.json("show", "guide.pdf")

    page = [s["text"] for s in shown["segments"] if s["page"] == 1 and s["stage"] == "prepare"]
    assert page[0].startswith("## ")  # headings are marked
    assert "\n".join(page)[3:] == truth["guide.pdf"]["pages"][0]["text"]
    assert shown["facts"]["n_pages"] == 3


def test_status_counts_what_ingest_did(ingested: Ingested) -> None:
    store, report = ingested

    status = store.json("status")

    assert status["assets"] == report["counts"]
    assert set(status["stages"]["prepare"]["jobs"]) <= {"done"}


def test_bad_files_fail_and_good_ones_go_on(
    make_store: Callable[[], Store], tmp_path: Path
) -> None:
    store = make_store()
    shutil.copy(SAMPLES / "sign.png", tmp_path / "good.png")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "cut.png").write_bytes((SAMPLES / "sign.png").read_bytes()[:200])
    (tmp_path / "liar.jpg").write_bytes((SAMPLES / "shapes.docx").read_bytes())
    (tmp_path / "what.bin").write_bytes(bytes(range(256)) * 8)

    report = store.json("ingest", str(tmp_path), expect=1)

    ends = {
        n: (a["state"], [f["category"] for f in a["failures"]]) for n, a in by_name(report).items()
    }
    assert ends == {
        "good.png": ("ready", []),
        "empty.jpg": ("failed", ["UnreadableMedia"]),
        "cut.png": ("failed", ["UnreadableMedia"]),
        "liar.jpg": ("failed", ["UnsupportedMedia"]),
        "what.bin": ("failed", ["UnsupportedMedia"]),
    }
    listed = store.json("failures")["failures"]
    assert Counter(f["failure"]["stage"] for f in listed) == {"prepare": 4}


def test_retry_runs_what_was_mended(make_store: Callable[[], Store], tmp_path: Path) -> None:
    store = make_store()
    broken = tmp_path / "note.png"
    broken.write_bytes(b"")
    store.json("ingest", str(broken), expect=1)

    shutil.copy(SAMPLES / "sign.png", broken)
    retried = store.json("retry")

    assert retried["assets"] == {"ready": 1}
    assert store.json("failures")["failures"] == []


def test_delete_reaches_search_at_once_and_ingest_brings_it_back(
    make_store: Callable[[], Store], tmp_path: Path
) -> None:
    store = make_store()
    picture = tmp_path / "sign.png"
    shutil.copy(SAMPLES / "sign.png", picture)
    store.json("ingest", str(picture))
    assert store.json("search", "exit to the right")["hits"]

    store.json("delete", str(picture))
    gone = store.json("search", "exit to the right")["hits"]
    store.json("ingest", str(picture))
    back = store.json("search", "exit to the right")["hits"]

    assert gone == []
    assert [hit["uri"] for hit in back] == [picture.as_uri()]


def test_same_content_is_processed_once(make_store: Callable[[], Store], tmp_path: Path) -> None:
    store = make_store()
    for name in ("a.png", "b.png"):
        shutil.copy(SAMPLES / "sign.png", tmp_path / name)

    report = store.json("ingest", str(tmp_path))

    assert len({asset["asset_id"] for asset in report["assets"]}) == 1
    assert len(report["assets"]) == 2


def test_missing_path_is_wrong_usage(make_store: Callable[[], Store]) -> None:
    done = make_store().run("ingest", "/no/such/place", expect=2)

    assert "no such file" in done.stderr
    assert done.stdout == ""


def test_second_process_is_told_who_has_the_store(ingested: Ingested) -> None:
    from infra.home_lock import HomeLock

    store, _ = ingested
    with HomeLock(store.home, "ingest"):
        done = store.run("ingest", str(SAMPLES / "sign.png"), expect=2)

    assert "in use by `sluice ingest`" in done.stderr


def test_json_is_the_only_thing_on_stdout(ingested: Ingested) -> None:
    store, _ = ingested

    for command in (["status"], ["failures"], ["show", "sign.png"], ["search", "exit"], ["doctor"]):
        json.loads(store.run(*command, "--json").stdout)
