"""Text that a container itself puts on the timeline: subtitles, and the titles of chapters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.segment import Segment, TimeSpan
from workers.media.subtitles import read_subtitles
from workers.media.tracks import Streams


def timed_texts(path: Path, streams: Streams) -> Mapping[int, Sequence[Segment]]:
    """Text with exact times, for free: one part per subtitle track, then one for chapters."""
    texts = dict(read_subtitles(path, streams.subtitles))
    titles = chapter_titles(streams.described["chapters"])
    return {**texts, len(texts): titles} if titles else texts


def chapter_titles(chapters: Sequence[Mapping[str, Any]]) -> list[Segment]:
    """A segment per titled chapter: what a podcast or film says it holds, and where."""
    titled = [chapter for chapter in chapters if chapter["title"].strip()]
    return [
        Segment(
            ordinal=ordinal,
            locator=TimeSpan(start_s=chapter["start_s"], end_s=chapter["end_s"]),
            text=chapter["title"].strip(),
            role="chapter",
        )
        for ordinal, chapter in enumerate(titled)
    ]
