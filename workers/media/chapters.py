"""Text that a file itself puts on the timeline: subtitles, captions, titles of chapters."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.segment import Segment, TimeSpan
from workers.media.closed_captions import read_closed_captions
from workers.media.media_file import MediaFile
from workers.media.subtitles import read_subtitles
from workers.media.tracks import Streams


def timed_texts(media: MediaFile, streams: Streams) -> Mapping[int, Sequence[Segment]]:
    """Text with exact times: a part per subtitle track, one for captions, one for chapters."""
    parts = [*read_subtitles(media.path, streams.subtitles).values()]
    if streams.video:
        max_s = media.limits.duration_s
        parts.append(read_closed_captions(media.path, streams.video, max_s=max_s))
    parts.append(chapter_titles(streams.described["chapters"]))
    return dict(enumerate(part for part in parts if part))


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
