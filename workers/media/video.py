"""Reads video: one pass of ffmpeg gives small frames for shots, frames worth keeping, and sound."""

from dataclasses import dataclass, field
from typing import IO, Any

import ffmpeg
import numpy as np

from infra.ffmpeg import Decoding, media_input, nut_options
from schemas.asset import MediaType
from schemas.errors import UnreadableMedia
from workers.media.audio import read_sound
from workers.media.bitmap_subtitles import read_bitmap_subtitles
from workers.media.chapters import timed_texts
from workers.media.completeness import find_cut
from workers.media.damage import losses, unread
from workers.media.dynamic_range import tone_mapped
from workers.media.holes import find_holes
from workers.media.media_file import READING_EDGE_PX, MediaFile
from workers.media.moving_pictures import CANDIDATE_EVERY_S, DETECT_EDGE_PX, MovingPictures
from workers.media.nut import packets
from workers.media.shots import TICKS
from workers.media.soundtracks import Soundtracks
from workers.media.streams import probe
from workers.media.tracks import Streams, VideoTrack
from workers.stage import ArtifactFile, Prepared

_JPEG_END = b"\xff\xd9"


def read_video(media: MediaFile) -> Prepared:
    """Read a video; a container with sound alone is read as audio.

    Raises:
        UnreadableMedia: not a media container, or neither a frame nor a sample in it.
        UnsupportedMedia: codecs that Sluice does not decode.
        MediaTooLarge: longer, or with larger frames, than the limits.
    """
    streams = probe(media.path, max_px=media.limits.image_px)
    if streams.video is None:
        return read_sound(media, streams)
    watched = _watch(media, streams, streams.video)
    if watched.pictures.n_frames:
        return _prepared(media, streams, streams.video, watched)
    because = f": {watched.error}" if watched.error else ""
    message = f"video stream {streams.video.index} has 0 frames{because}"
    if streams.audio is None:
        raise UnreadableMedia(message)
    return read_sound(media, streams, [unread(message)])


@dataclass
class _Watched:
    """What one pass over the file gave."""

    pictures: MovingPictures
    sound: Soundtracks
    artifacts: list[ArtifactFile] = field(default_factory=list)
    #: When the last frame goes.
    end_s: float = 0.0
    n_losses: int = 0
    error: str = ""

    @property
    def duration_s(self) -> float:
        """From media start to the end of the last frame or sample."""
        return max(self.end_s, self.sound.duration_s)


def _watch(media: MediaFile, streams: Streams, track: VideoTrack) -> _Watched:
    """Decode once, pictures on this thread and sound on another."""
    pictures = MovingPictures(media.scratch, track.fps, media.limits)
    watched = _Watched(pictures, Soundtracks(media, streams.sound))
    source = media_input(media.path, max_px=media.limits.image_px)
    outputs = [_picture_output(source, track), *watched.sound.outputs(source)]
    try:
        with Decoding(*outputs, side_pipes=watched.sound.pipes) as run:
            with watched.sound.heard(run):
                _look(pictures, track, run.stdout)
                watched.end_s = _end_s(pictures, streams)
                watched.artifacts = pictures.close(watched.end_s)
            run.wait()
        watched.n_losses, watched.error = run.n_losses, run.error
    finally:
        pictures.release()
    return watched


def _picture_output(source: Any, track: VideoTrack) -> Any:
    """Small frames and candidates in one NUT stream on stdout, each with its true time."""
    pictures = source[str(track.index)].filter_multi_output("split")
    small = pictures[0].filter("scale", *fit(track, DETECT_EDGE_PX), flags="fast_bilinear")
    small = tone_mapped(small, track).filter("format", "bgr24").filter("settb", f"1/{TICKS}")
    often = f"isnan(prev_selected_t)+gte(t-prev_selected_t,{CANDIDATE_EVERY_S})"
    large = pictures[1].filter("select", often)
    if track.hdr:  # shrunk before: most of the cost is in pixels that nobody would see
        large = tone_mapped(large.filter("scale", *fit(track, READING_EDGE_PX)), track)
    # JPEG readers expect the whole range and the matrix of BT.601.
    large = large.filter(
        "scale", *fit(track, READING_EDGE_PX), out_color_matrix="bt601", out_range="full"
    )
    large = large.filter("format", "yuvj420p").filter("settb", f"1/{TICKS}")
    encoders = {"c:v:0": "rawvideo", "c:v:1": "mjpeg", "q:v:1": 3}
    times = {"fps_mode": "passthrough", "enc_time_base": f"1/{TICKS}"}
    return ffmpeg.output(small, large, "pipe:1", **nut_options(**encoders, **times))


def fit(track: VideoTrack, edge_px: int) -> tuple[int, int]:
    """Displayed size scaled down so that the long edge is at most `edge_px`."""
    scale = min(1.0, edge_px / max(track.width_px, track.height_px))
    return max(2, round(track.width_px * scale)), max(2, round(track.height_px * scale))


def _look(pictures: MovingPictures, track: VideoTrack, pipe: IO[bytes]) -> None:
    """Read the pictures of our own ffmpeg to their end."""
    width, height = fit(track, DETECT_EDGE_PX)
    size_px = fit(track, READING_EDGE_PX)
    for stream, time_s, packet in packets(pipe):
        if stream == 0 and len(packet) == width * height * 3:
            frame = np.frombuffer(packet, np.uint8).reshape(height, width, 3)
            pictures.see(max(0.0, time_s), frame)
        elif stream == 1 and packet.endswith(_JPEG_END):
            pictures.keep(time_s, packet, size_px)


def _end_s(pictures: MovingPictures, streams: Streams) -> float:
    """When the last frame goes: as the header says if that is likely, else after the mean time."""
    claimed_fps = streams.video.fps if streams.video else None
    interval_s = 1 / (pictures.fps or claimed_fps or TICKS)
    claim_s = streams.duration_s or 0.0
    if pictures.last_s < claim_s <= pictures.last_s + 2 * interval_s:
        return claim_s
    return pictures.last_s + interval_s


def _prepared(media: MediaFile, streams: Streams, track: VideoTrack, watched: _Watched) -> Prepared:
    sound = watched.sound.artifacts
    extra = streams.described | {"rotation": track.rotation} | watched.pictures.shot_facts
    extra |= {"hdr": track.hdr} if track.hdr else {}
    return Prepared(
        facts=media.facts(
            media_type=MediaType.VIDEO,
            width_px=track.width_px,
            height_px=track.height_px,
            n_frames=watched.pictures.n_frames,
            duration_s=watched.duration_s,
            fps=watched.pictures.fps,
            has_audio=bool(sound),
            has_video=True,
            extra=extra | (watched.sound.facts if sound else {}),
        ),
        artifacts=[
            *watched.artifacts,
            *read_bitmap_subtitles(media, streams),
            *sound,
        ],
        texts=timed_texts(media, streams),
        failures=[
            *losses(
                streams,
                watched.duration_s,
                watched.n_losses,
                cut=find_cut(media.path, media.mime_type),
                gaps=watched.sound.gaps,
            ),
            *find_holes(media.path, media.mime_type),
            *watched.sound.failures,
        ],
    )
