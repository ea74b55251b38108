"""What a container says it holds: streams, claims, chapters and tags; read without ffprobe."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.ffmpeg import DECODERS, DEMUX_OPTIONS
from schemas.errors import MediaTooLarge, UnreadableMedia, UnsupportedMedia
from workers.media.languages import language_code
from workers.media.tracks import AudioTrack, Streams, SubtitleTrack, VideoTrack

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_DECODERS = frozenset(DECODERS.split(","))
_BITMAP_SUBTITLES = frozenset({"pgssub", "dvdsub", "dvbsub", "xsub"})
_MICROSECONDS = 1_000_000
_WIDEST_PIXEL = 8.0
#: Tracks of sound that are read; a film has a handful of languages.
_N_SOUNDTRACKS = 8
#: Starts of the names of codecs that keep every sample as it is.
_WITHOUT_PRIMING = ("alac", "flac", "pcm_")
#: PQ and HLG by their numbers in ITU-T H.273.
_HDR_CURVES = {16: "smpte2084", 18: "arib-std-b67"}
_N_TAGS, _N_TAG_CHARS, _N_CHAPTERS = 64, 1000, 1000


@contextmanager
def open_media(path: Path) -> Iterator["InputContainer"]:
    """Open an untrusted file; what libav raises inside becomes our errors.

    Raises:
        UnreadableMedia: not one of the containers that Sluice reads, or broken.
        MediaTooLarge: the file asks for more memory than there is.
    """
    import av

    av.logging.set_level(None)
    try:
        with av.open(
            str(path.absolute()), options=dict(DEMUX_OPTIONS), metadata_errors="replace"
        ) as container:
            yield container
    except MemoryError as exc:
        raise MediaTooLarge("the container asks for more memory than there is") from exc
    except av.error.FFmpegError as exc:
        raise UnreadableMedia(f"no readable audio or video container: {exc.strerror}") from exc


def probe(path: Path, *, max_px: int) -> Streams:
    """Read a file's headers, and one picture for the orientation.

    Args:
        path: an untrusted file under a name of ours.
        max_px: pixels of one frame beyond which a video is refused.

    Raises:
        UnreadableMedia: not a media container, or without one stream of sound or pictures.
        UnsupportedMedia: its only streams are in codecs that Sluice does not decode.
        MediaTooLarge: frames of more than `max_px` pixels.
    """
    with open_media(path) as container:
        playable = [s for s in container.streams if s.type in ("audio", "video")]
        readable = [s for s in playable if _codec(s) in _DECODERS]
        if playable and not readable:
            codecs = ", ".join(f"{s.type} {_codec(s) or 'unknown'}" for s in playable)
            raise UnsupportedMedia(f"found {codecs}: not codecs that Sluice decodes")
        moving = [s for s in container.streams.video if s in readable and not _is_picture(s)]
        sound = _heard([s for s in readable if s.type == "audio"])
        video = max(moving, key=_rank, default=None)
        if video is None and not sound:
            raise UnreadableMedia("found no stream of sound or moving pictures")
        return Streams(
            container=container.format.name,
            start_s=(container.start_time or 0) / _MICROSECONDS,
            duration_s=_claimed_s(container, [s for s in (video, *sound[:1]) if s]),
            video=_video_track(container, video, max_px) if video else None,
            sound=tuple(_audio_track(stream) for stream in sound),
            subtitles=tuple(_subtitle_tracks(container, are_bitmaps=False)),
            bitmap_subtitles=tuple(_subtitle_tracks(container, are_bitmaps=True)),
            described=_described(container),
            is_shifted_sound=video is None and _is_shifted(container, sound[0]),
        )


def _heard(streams: list["Stream"]) -> list["Stream"]:
    """The best first; others unless they claim to be empty, in the container's order."""
    if not streams:
        return []
    best = max(streams, key=_rank)
    others = [s for s in streams if s is not best and not _is_empty(s)]
    return [best, *others][:_N_SOUNDTRACKS]


def _is_empty(stream: "Stream") -> bool:
    return stream.frames == 0 and stream.duration == 0


def _is_shifted(container: "InputContainer", stream: "Stream") -> bool:
    """Codecs with priming need their edit list, which cuts it off."""
    is_plain = (_codec(stream) or "").startswith(_WITHOUT_PRIMING)
    is_late = (container.start_time or 0) > 0
    return is_plain and is_late and container.format.name.startswith("mov,")


def _codec(stream: "Stream") -> str | None:
    return stream.codec_context.name if stream.codec_context else None


def _is_picture(stream: "Stream") -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.still_image))


def _rank(stream: "Stream") -> tuple[bool, bool, int]:
    """Prefer a stream that claims to hold something, then the default one, then the first."""
    from av.stream import Disposition

    is_default = bool(stream.disposition & Disposition.default)
    claims = not _is_empty(stream) and (stream.frames > 0 or stream.duration is None)
    return (claims, is_default, -stream.index)


def _claimed_s(container: "InputContainer", streams: list["Stream"]) -> float | None:
    """Length by the headers of the chosen streams, or of the container."""
    start_s = (container.start_time or 0) / _MICROSECONDS
    ends = [
        float(((s.start_time or 0) + s.duration) * s.time_base) - start_s
        for s in streams
        if s.duration and s.time_base
    ]
    if ends:
        return max(ends)
    return container.duration / _MICROSECONDS if container.duration else None


def _video_track(container: "InputContainer", stream: "VideoStream", max_px: int) -> VideoTrack:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > max_px:
        raise MediaTooLarge(f"frames of {width}x{height} pixels; the limit is {max_px} pixels")
    if width * height == 0:
        raise UnreadableMedia(f"video stream {stream.index} has frames of {width}x{height} pixels")
    aspect = float(stream.sample_aspect_ratio or 1)
    # Real pixels are at most twice as wide as high; beyond this the header is broken.
    aspect = aspect if 1 / _WIDEST_PIXEL <= aspect <= _WIDEST_PIXEL else 1.0
    frame = _first_frame(container, stream)
    rotation = round(frame.rotation / 90) * 90 if frame else 0
    curve = (frame and frame.color_trc) or stream.codec_context.color_trc
    size = (max(1, round(width * aspect)), height)
    shown_width, shown_height = size[::-1] if rotation % 180 else size
    rate = stream.average_rate
    return VideoTrack(
        index=stream.index,
        width_px=shown_width,
        height_px=shown_height,
        rotation=rotation,
        fps=float(rate) if rate else None,
        hdr=_HDR_CURVES.get(int(curve)),
    )


def _first_frame(container: "InputContainer", stream: "VideoStream") -> "VideoFrame | None":
    """The first picture, which knows its rotation and its colours; None when none is there."""
    import av

    try:
        return next(container.decode(stream), None)
    except av.error.FFmpegError:
        return None


def _audio_track(stream: "Stream") -> AudioTrack:
    context: Any = stream.codec_context
    return AudioTrack(
        index=stream.index,
        codec=context.name,
        n_channels=context.channels,
        sampling_rate=context.sample_rate,
        language=language_code(stream.metadata.get("language")),
    )


def _subtitle_tracks(container: "InputContainer", *, are_bitmaps: bool) -> Iterator[SubtitleTrack]:
    for stream in container.streams:
        is_bitmap = _codec(stream) in _BITMAP_SUBTITLES
        if stream.type == "subtitle" and is_bitmap == are_bitmaps:
            yield SubtitleTrack(
                index=stream.index, language=language_code(stream.metadata.get("language"))
            )


def _described(container: "InputContainer") -> dict[str, Any]:
    chapters = [
        {
            "title": _clean(chapter["metadata"].get("title", "")),
            "start_s": float(chapter["start"] * (chapter["time_base"] or 0)),
            "end_s": float(chapter["end"] * (chapter["time_base"] or 0)),
        }
        for chapter in container.chapters()[:_N_CHAPTERS]
    ]
    tags = {_clean(k): _clean(v) for k, v in list(container.metadata.items())[:_N_TAGS]}
    streams = [_description(stream) for stream in container.streams]
    return {
        "container": container.format.name,
        "streams": streams,
        "chapters": chapters,
        "tags": tags,
    }


def _description(stream: "Stream") -> dict[str, Any]:
    kind = "picture" if stream.type == "video" and _is_picture(stream) else stream.type
    about = {"index": stream.index, "type": kind, "codec": _codec(stream)}
    context: Any = stream.codec_context
    if stream.type == "video" and context:
        about |= {"width_px": context.width, "height_px": context.height}
    if stream.type == "audio" and context:
        about |= {"sampling_rate": context.sample_rate, "channels": context.channels}
    return about | {"language": language_code(stream.metadata.get("language"))}


def _clean(text: str) -> str:
    """Bounded, and without NUL, which databases refuse."""
    return text[:_N_TAG_CHARS].replace("\0", "")
