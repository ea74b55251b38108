"""Reads sound: one pass of ffmpeg over all tracks, to parts of 16 kHz mono FLAC."""

from collections.abc import Sequence

from infra.ffmpeg import Decoding, media_input
from schemas.asset import MediaType
from schemas.errors import Failure, UnreadableMedia
from workers.media.chapters import timed_texts
from workers.media.completeness import find_cut
from workers.media.damage import losses
from workers.media.holes import find_holes
from workers.media.media_file import MediaFile
from workers.media.soundtracks import Soundtracks
from workers.media.streams import probe
from workers.media.tracks import Streams
from workers.stage import Prepared


def read_audio(media: MediaFile) -> Prepared:
    """Read a file of sound. One with moving pictures is read as the video that it is.

    Raises:
        UnreadableMedia: not a media container, or no sample could be decoded.
        UnsupportedMedia: a codec that Sluice does not decode.
        MediaTooLarge: longer than the limit.
    """
    streams = probe(media.path, max_px=media.limits.image_px)
    if streams.video:
        from workers.media.video import read_video

        return read_video(media)
    return read_sound(media, streams)


def read_sound(media: MediaFile, streams: Streams, failures: Sequence[Failure] = ()) -> Prepared:
    """Read the sound of a probed file that has nothing else; see `read_audio`."""
    assert streams.audio
    # An edit list that only says when the sound begins, which counts as the start of the media;
    # ffmpeg 9 takes that time off the end.
    edits = {"ignore_editlist": 1} if streams.is_shifted_sound else {}
    source = media_input(media.path, max_px=media.limits.image_px, **edits)
    sound = Soundtracks(media, streams.sound)
    with Decoding(*sound.outputs(source), side_pipes=sound.pipes) as decoding:
        with sound.heard(decoding):
            pass  # there is nothing beside it
        decoding.wait()
    artifacts = sound.artifacts
    if not artifacts:
        because = f": {decoding.error}" if decoding.error else ""
        raise UnreadableMedia(f"audio stream {streams.audio.index} has 0 samples{because}")
    cut = find_cut(media.path, media.mime_type)
    holes = find_holes(media.path, media.mime_type)
    lost = losses(streams, sound.duration_s, decoding.n_losses, cut=cut, gaps=sound.gaps)
    return Prepared(
        facts=media.facts(
            media_type=MediaType.AUDIO,
            duration_s=sound.duration_s,
            has_audio=True,
            extra=streams.described | sound.facts,
        ),
        artifacts=artifacts,
        texts=timed_texts(media, streams),
        failures=[*failures, *lost, *holes, *sound.failures],
    )
