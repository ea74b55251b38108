"""Titles of chapters are text with exact times."""

import subprocess
from pathlib import Path

from infra.ffmpeg import ffmpeg_binary
from schemas.segment import TimeSpan
from tests.workers.media.clips import media_file
from tests.workers.media.tiny_captions import NOTHING, film, pop_on
from workers.media.chapters import chapter_titles, timed_texts
from workers.media.streams import probe


def chapter(title, start_s, end_s):
    return {"title": title, "start_s": start_s, "end_s": end_s}


def test_each_title_is_a_segment_at_its_time():
    titles = chapter_titles([chapter("Intro ", 0.0, 2.5), chapter("News", 2.5, 9.0)])

    assert [(t.text, t.locator) for t in titles] == [
        ("Intro", TimeSpan(start_s=0.0, end_s=2.5)),
        ("News", TimeSpan(start_s=2.5, end_s=9.0)),
    ]
    assert [t.ordinal for t in titles] == [0, 1]
    assert {t.role for t in titles} == {"chapter"}


def test_chapters_without_a_title_say_nothing():
    assert chapter_titles([chapter(" ", 0.0, 2.5)]) == []


def test_file_with_chapters_gives_a_part_of_text(tmp_path: Path):
    about = tmp_path / "about.txt"
    about.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=Intro\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=900\ntitle=News\n"
    )
    path = tmp_path / "talk.m4a"
    sound = ["-f", "lavfi", "-i", "sine=duration=1", "-f", "ffmetadata", "-i", str(about)]
    command = [ffmpeg_binary(), "-loglevel", "error", *sound, "-map_chapters", "1", "-map", "0"]
    subprocess.run([*command, str(path)], check=True)

    texts = timed_texts(media_file(path, tmp_path, kind="audio"), probe(path, max_px=1_000_000))

    assert [(s.text, s.locator) for s in texts[0]] == [
        ("Intro", TimeSpan(start_s=0.0, end_s=0.4)),
        ("News", TimeSpan(start_s=0.4, end_s=0.9)),
    ]


def test_file_without_chapters_gives_none(tmp_path: Path):
    path = tmp_path / "plain.wav"
    sound = ["-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run([ffmpeg_binary(), "-loglevel", "error", *sound, str(path)], check=True)

    assert (
        timed_texts(media_file(path, tmp_path, kind="audio"), probe(path, max_px=1_000_000)) == {}
    )


def test_captions_of_the_pictures_are_a_part_of_their_own(tmp_path: Path):
    path = film(tmp_path / "film.ts", [*pop_on("HELLO"), *[NOTHING] * 9])

    texts = timed_texts(media_file(path, tmp_path), probe(path, max_px=1_000_000))

    assert [[s.text for s in part] for part in texts.values()] == [["HELLO"]]
