"""Video clips: scenes that move and cut, with printed words, narration and sounds."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import soundfile
from PIL import Image

from demo.draw import BACKGROUNDS, Placed, View, draw, place
from demo.sounds import SAMPLING_RATE, Samples, make_sound
from demo.speech import Voice, speak
from demo.world import Scene, pick

FPS = 12
SIZE_PX = (480, 360)
#: How a shot moves over its length: shift as fractions of the picture, and zoom at its end.
MOTIONS: dict[str, tuple[float, float, float]] = {
    "still": (0.0, 0.0, 1.0),
    "left": (-0.08, 0.0, 1.0),
    "right": (0.08, 0.0, 1.0),
    "up": (0.0, -0.06, 1.0),
    "down": (0.0, 0.06, 1.0),
    "grow": (0.0, 0.0, 1.08),
}


@dataclass(frozen=True)
class Shot:
    """One stretch between cuts."""

    scene: Scene
    duration_s: float
    motion: str = "still"
    #: Printed below the scene.
    words: str = ""
    #: Spoken from 0.3 s after the cut.
    narration: str = ""
    #: A kind of `demo.sounds`, heard for `sound_s` up to 0.3 s before the next cut.
    sound: str = ""
    sound_s: float = 2.0
    #: What the scene turns into at two thirds of the shot, without a cut.
    becomes: Scene | None = None


def random_shots(rng: np.random.Generator, scenes: Sequence[Scene]) -> list[Shot]:
    """Make silent shots of 3 to 5 s of the given scenes, moving at random."""
    return [
        Shot(scene, float(rng.integers(36, 61)) / FPS, pick(rng, list(MOTIONS))) for scene in scenes
    ]


def write_clip(
    path: Path,
    shots: Sequence[Shot],
    rng: np.random.Generator,
    voice: Voice | None = None,
    *,
    with_subtitles: bool = False,
) -> dict[str, Any]:
    """Encode shots to an H.264 MP4.

    Args:
        path: where to write it.
        shots: in order.
        rng: places shapes, chooses backgrounds.
        voice: who narrates; None leaves the clip without sound.
        with_subtitles: embed the narration as a subtitle track.

    Returns:
        The truth: shots with times, captions and printed words, spoken words with times, sounds.
    """
    starts_s = np.cumsum([0.0, *(shot.duration_s for shot in shots)]).round(3).tolist()
    truth: dict[str, Any] = {"shots": _shot_truth(shots, starts_s)}
    with tempfile.TemporaryDirectory() as folder:
        inputs, codecs = [], []
        if voice:
            samples, heard = mix(shots, starts_s, voice, rng)
            truth |= heard
            soundfile.write(Path(folder) / "sound.wav", samples, SAMPLING_RATE)
            inputs += ["-i", f"{folder}/sound.wav"]
            codecs += ["-c:a", "aac", "-b:a", "48k"]
        if with_subtitles:
            (Path(folder) / "words.srt").write_text(_srt(truth["speech"]))
            inputs += ["-i", f"{folder}/words.srt"]
            codecs += ["-c:s", "mov_text", "-metadata:s:s:0", "language=eng"]
        _encode(path, _frames(shots, rng), [*inputs, *codecs])
    return truth


def mix(
    shots: Sequence[Shot], starts_s: Sequence[float], voice: Voice, rng: np.random.Generator
) -> tuple[Samples, dict[str, Any]]:
    """Lay narration and sounds along the shots.

    Returns:
        Samples at 16 kHz, and the truth under `speech` and `sounds`.
    """
    track = np.zeros(round(starts_s[-1] * SAMPLING_RATE), np.float32)
    heard: dict[str, Any] = {"speech": [], "sounds": []}
    for shot, start_s, end_s in zip(shots, starts_s[:-1], starts_s[1:], strict=True):
        if shot.narration:
            spoken = speak(shot.narration, voice)
            at_s = start_s + 0.3
            _lay(track, spoken.samples, at_s)
            words = [
                [w.text, round(at_s + w.start_s, 3), round(at_s + w.end_s, 3)] for w in spoken.words
            ]
            span = {"start_s": words[0][1], "end_s": words[-1][2]}
            heard["speech"].append({**span, "text": shot.narration, "words": words})
        if shot.sound:
            at_s = end_s - 0.3 - shot.sound_s
            _lay(track, make_sound(shot.sound, rng, shot.sound_s), at_s)
            span = {"start_s": round(at_s, 3), "end_s": round(end_s - 0.3, 3)}
            heard["sounds"].append({**span, "caption": shot.sound})
    return track, heard


def _lay(track: Samples, samples: Samples, at_s: float) -> None:
    """Add samples to a track.

    Raises:
        ValueError: they would run past its end.
    """
    start = round(at_s * SAMPLING_RATE)
    track[start : start + len(samples)] += samples


def _shot_truth(shots: Sequence[Shot], starts_s: Sequence[float]) -> list[dict[str, Any]]:
    truths = []
    for shot, start_s, end_s in zip(shots, starts_s[:-1], starts_s[1:], strict=True):
        truth = {
            "start_s": start_s,
            "end_s": end_s,
            "caption": shot.scene.caption,
            "motion": shot.motion,
        }
        if shot.words:
            truth["printed"] = shot.words
        if shot.becomes:
            changed_s = round(start_s + shot.duration_s * 2 / 3, 3)
            truth["change"] = {"at_s": changed_s, "caption": shot.becomes.caption}
        truths.append(truth)
    return truths


def _frames(shots: Sequence[Shot], rng: np.random.Generator) -> Iterator[Image.Image]:
    """Neighbouring shots never share a background, as cuts in films hardly ever do."""
    background = pick(rng, BACKGROUNDS)
    for shot in shots:
        background = pick(rng, [other for other in BACKGROUNDS if other != background])
        placed = place(shot.scene, rng)
        n_frames = round(shot.duration_s * FPS)
        for index in range(n_frames):
            shown = placed
            if shot.becomes and index >= n_frames * 2 / 3:
                shown = _recast(placed, shot.becomes)
            yield draw(shown, _view(shot, background, index / n_frames), SIZE_PX)


def _recast(placed: Sequence[Placed], scene: Scene) -> list[Placed]:
    """The shapes of another scene at the same places."""
    return [
        Placed(shape, old.x, old.y, old.size, old.turn)
        for shape, old in zip(scene.shapes[::-1], placed, strict=True)
    ]


def _view(shot: Shot, background: tuple[int, int, int], share: float) -> View:
    """Centre the movement on the scene's own place, so that relations hold throughout."""
    x, y, zoom = MOTIONS[shot.motion]
    shift = (x * (share - 0.5), y * (share - 0.5))
    return View(background, shot.words, shift, 1.0 + (zoom - 1.0) * (share - 0.5))


def _encode(path: Path, frames: Iterator[Image.Image], extras: Sequence[str]) -> None:
    """Pipe raw frames to ffmpeg.

    Raises:
        subprocess.CalledProcessError: ffmpeg refused.
    """
    pixels = b"".join(frame.tobytes() for frame in frames)
    size = f"{SIZE_PX[0]}x{SIZE_PX[1]}"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(FPS), "-i", "-"]
    video = [
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-crf",
        "27",
        "-preset",
        "medium",
        "-threads",
        "1",
    ]
    flags = ["-fflags", "+bitexact", "-movflags", "+faststart", "-map_metadata", "-1"]
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    n_inputs = 1 + extras.count("-i")
    maps = [part for index in range(n_inputs) for part in ("-map", str(index))]
    inputs = list(extras[: 2 * (n_inputs - 1)])
    codecs = list(extras[2 * (n_inputs - 1) :])
    command = [*program, *raw, *inputs, *maps, *video, *codecs, *flags, str(path)]
    subprocess.run(command, input=pixels, check=True)


def _srt(speech: Sequence[dict[str, Any]]) -> str:
    """Narration as SubRip text."""
    return "\n".join(
        f"{number}\n{_clock(line['start_s'])} --> {_clock(line['end_s'])}\n{line['text']}\n"
        for number, line in enumerate(speech, start=1)
    )


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"00:{minutes:02d}:{milliseconds // 1000:02d},{milliseconds % 1000:03d}"
