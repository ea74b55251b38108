"""Text subtitles inside a container: exact words with exact times, for free."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UnreadableMedia
from schemas.segment import Segment, TimeSpan
from workers.media.streams import open_media
from workers.media.tracks import SubtitleTrack

if TYPE_CHECKING:
    from av.packet import Packet

#: Overrides ({\i1}, {\an8}), which libav also makes of markup; other braces are text, but for
#: ASS itself, where they hold comments.
_OVERRIDE = re.compile(r"\{\\[^}]*\}")
_COMMENT = re.compile(r"\{[^}]*\}")
_ASS_CODECS = ("ass", "ssa")
#: A line of ASS as libav passes it on: eight fields, then the text.
_ASS_FIELDS = 8
#: Markup of WebVTT and SRT cues.
_MARKUP = re.compile(r"</?(?:[bius]|c|v|lang|font|ruby|rt)(?:[.\s][^>]*)?>|<\d[\d:.]*>")
ROLE = "subtitle"
#: Cues of one track; a hostile file could hold one a millisecond.
N_CUES = 100_000


def read_subtitles(path: Path, tracks: Sequence[SubtitleTrack]) -> Mapping[int, Sequence[Segment]]:
    """Read all text tracks in one pass over the packets, without decoding anything else.

    Returns:
        Segments in time order by part; one part per track that has text.
    """
    if not tracks:
        return {}
    cues: dict[int, list[Segment]] = {track.index: [] for track in tracks}
    languages = {track.index: track.language for track in tracks}
    # A container that breaks midway has been reported by whoever decoded it: keep what came.
    with suppress(UnreadableMedia), open_media(path) as container:
        origin_s = (container.start_time or 0) / 1_000_000
        streams = [container.streams[track.index] for track in tracks]
        for packet in container.demux(*streams):
            found = cues[packet.stream.index]
            if len(found) < N_CUES:
                found += _segments(packet, origin_s, languages[packet.stream.index], len(found))
    return dict(enumerate(segments for segments in cues.values() if segments))


def _segments(
    packet: "Packet[Any]", origin_s: float, language: str | None, ordinal: int
) -> list[Segment]:
    text = "\n".join(_texts(packet)).strip()
    if not text or packet.pts is None or packet.time_base is None:
        return []
    start_s = max(0.0, float(packet.pts * packet.time_base) - origin_s)
    duration_s = float((packet.duration or 0) * packet.time_base)
    locator = TimeSpan(start_s=start_s, end_s=start_s + duration_s)
    return [Segment(ordinal=ordinal, locator=locator, text=text, language=language, role=ROLE)]


def _texts(packet: "Packet[Any]") -> Iterator[str]:
    import av

    context = packet.stream.codec_context
    if context is None:
        # WebVTT in Matroska has no decoder in libav; its packets are the plain cue text.
        yield _plain(bytes(packet).decode(errors="replace"))
        return
    try:
        decoded = context.decode2(packet)
    except av.error.FFmpegError:
        return
    for rect in decoded or ():
        yield cue_text(rect, has_comments=context.name in _ASS_CODECS)


def cue_text(rect: Any, *, has_comments: bool = False) -> str:
    """Plain text of what libav decoded."""
    line = rect.ass.decode(errors="replace").split(",", _ASS_FIELDS)[-1]
    return _plain(_COMMENT.sub("", line) if has_comments else line)


def _plain(text: str) -> str:
    text = _MARKUP.sub("", _OVERRIDE.sub("", text)).replace("\0", "")
    return text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
