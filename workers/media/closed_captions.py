"""Captions inside the pictures (CEA-608, once line 21 of analogue television).

Decoders hand them out beside each picture, two bytes at a time. They are written down as a file of
captions (Scenarist SCC, a line per picture), from which libav tells what is shown, and when.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import UnreadableMedia
from schemas.segment import Segment, TimeSpan
from workers.media.streams import open_media
from workers.media.subtitles import N_CUES, ROLE, cue_text
from workers.media.tracks import VideoTrack

#: Streams of pictures that carry captions.
_CODECS = frozenset({"h264", "hevc", "mpeg2video"})
#: A stream with captions has them beside every picture; these are looked at to tell.
_N_PROBED = 15
#: Of the three bytes of one command (ANSI/CEA-708, table 9): it counts, and is of the first field.
_KIND, _FIRST_FIELD = 0b111, 0b100
_PADDING = b"\x80\x80"
#: Ends what is still shown when the film is over.
_ERASE = bytes.fromhex("942c942c")
_MS_PER_FRAME = 33


class _Command(NamedTuple):
    time_s: float
    #: Pairs of bytes with odd parity.
    pairs: bytes


def read_closed_captions(path: Path, track: VideoTrack, *, max_s: float) -> list[Segment]:
    """Read the captions of the first channel; most films have none, which a few pictures tell.

    Args:
        path: an untrusted file that `probe` took.
        track: its pictures.
        max_s: nothing later is read.

    Returns:
        Segments in time order, from the first letter shown to the last one erased.
    """
    commands: list[_Command] = []
    with suppress(UnreadableMedia):  # told by whoever decoded it
        commands.extend(_commands(path, track, max_s))
    return list(_segments(_cues(commands))) if commands else []


def _commands(path: Path, track: VideoTrack, max_s: float) -> Iterator[_Command]:
    import av

    with open_media(path) as container:
        stream: Any = container.streams[track.index]
        if stream.codec_context is None or stream.codec_context.name not in _CODECS:
            return
        origin_s = (container.start_time or 0) / 1_000_000
        beside = ((frame.time, _captions(frame)) for frame in container.decode(stream))
        first = list(islice(beside, _N_PROBED))
        if not any(captions for _, captions in first):
            return
        time_s = 0.0
        # A stream that breaks midway has been reported by whoever decoded it: keep what came.
        with suppress(av.error.FFmpegError):
            for frame_s, captions in chain(first, beside):
                if (now_s := (frame_s or 0.0) - origin_s) > max_s:
                    break
                time_s = max(0.0, now_s)
                if pairs := _pairs(captions):
                    yield _Command(time_s, pairs)
        yield _Command(time_s, _ERASE)


def _captions(frame: Any) -> bytes:
    from av.sidedata.sidedata import Type

    return next((bytes(data) for data in frame.side_data if data.type == Type.A53_CC), b"")


def _pairs(captions: bytes) -> bytes:
    """Those of the first field, which has the first channel, without padding."""
    commands = (captions[i : i + 3] for i in range(0, len(captions) - 2, 3))
    return b"".join(
        command[1:]
        for command in commands
        if command[0] & _KIND == _FIRST_FIELD and command[1:] != _PADDING
    )


def _cues(commands: Sequence[_Command]) -> Iterator[tuple[TimeSpan, str]]:
    """What was shown, and when, as libav's decoder has it."""
    import av

    written = io.BytesIO("".join(_scc(commands)).encode())
    container: Any
    with av.open(written, format="scc") as container:
        (stream,) = container.streams.subtitles
        for packet in container.demux(stream):
            shown = None
            with suppress(av.error.FFmpegError):  # a command that makes no sense
                shown = stream.codec_context.decode2(packet) if packet.size else None
            if shown and shown.rects:
                start_s = shown.pts / 1_000_000
                span = TimeSpan(start_s=start_s, end_s=start_s + shown.end_display_time / 1000)
                yield span, "\n".join(cue_text(rect) for rect in shown.rects)


def _scc(commands: Iterable[_Command]) -> Iterator[str]:
    """Lines of the format; libav takes a frame for 33 ms, whatever the film's rate."""
    yield "Scenarist_SCC V1.0\n\n"
    for time_s, pairs in commands:
        minutes, ms = divmod(round(time_s * 1000), 60_000)
        clock = f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}"
        yield f"{clock}:{ms % 1000 // _MS_PER_FRAME:02}\t{pairs.hex(' ', 2)}\n\n"


def _segments(cues: Iterable[tuple[TimeSpan, str]]) -> Iterator[Segment]:
    """One per cue with text; lines that only moved up are told once."""
    before: list[str] = []
    ordinal = 0
    for span, text in cues:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        fresh = _after(before, lines)
        before = lines
        if fresh and ordinal < N_CUES:
            yield Segment(ordinal=ordinal, locator=span, text="\n".join(fresh), role=ROLE)
            ordinal += 1


def _after(before: Sequence[str], lines: Sequence[str]) -> Sequence[str]:
    """Lines below those that stood there already."""
    n_moved = next((n for n in range(len(lines), 0, -1) if list(before[-n:]) == lines[:n]), 0)
    return lines[n_moved:]
