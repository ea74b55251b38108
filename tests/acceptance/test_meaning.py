"""What the demo's trained models see and hear in the samples, by the real pipeline."""

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Store

PAIR = "a red circle above a blue square"


def test_text_finds_the_pictures_that_show_it(find: Any) -> None:
    hits = find(PAIR, kinds=("image",), stage="embed_visual")

    names = {Path(hit.uri).name for hit in hits[:2]}
    assert names == {"circle-above-square.jpg", "circle-above-square-again.png"}


def test_text_finds_the_seconds_of_the_clip_that_show_it(find: Any, truth: Any) -> None:
    shown = next(shot for shot in truth["shapes.mp4"]["shots"] if shot["caption"] == PAIR)

    best = find(PAIR, kinds=("video",), stage="embed_visual")[0]

    assert Path(best.uri).name == "shapes.mp4"
    assert best.start_s == pytest.approx(shown["start_s"], abs=0.5)
    assert best.end_s == pytest.approx(shown["end_s"], abs=0.5)


def test_text_finds_the_second_it_is_said(find: Any, truth: Any) -> None:
    words = [word for said in truth["talk.flac"]["speech"] for word in said["words"]]
    start_s = next(start_s for text, start_s, _ in words if text == "seven")

    best = find("seven", kinds=("audio",), stage="transcribe")[0]

    (word,) = [word for evidence in best.evidence for word in evidence.said]
    assert Path(best.uri).name == "talk.flac"
    assert word.start_s == pytest.approx(start_s, abs=0.5)


def test_text_finds_the_sound(find: Any) -> None:
    best = find("a rising sweep", kinds=("audio",), stage="embed_audio")[0]

    assert Path(best.uri).name == "sounds.ogg"
    assert best.start_s <= 12.0 <= best.end_s


def test_fused_list_begins_with_what_is_seen_and_said(find: Any) -> None:
    best = find(PAIR)[0]

    assert {evidence.stage for evidence in best.evidence} >= {"caption", "embed_visual"}


def test_nothing_is_untrained(ingested: tuple[Store, Any]) -> None:
    store, _ = ingested

    assert "random" not in store.run("status", "--json").stdout
