"""Write `demo/samples/`, the media of `sluice demo` and tests: `python -m demo.make_samples`.

It needs espeak-ng; what it writes is committed, so nobody else does.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import soundfile

from demo.clips import Shot, write_clip
from demo.documents import write_docx, write_pdf
from demo.draw import BACKGROUNDS, View, draw, draw_scene, place
from demo.sounds import SAMPLING_RATE, Samples, join, make_sound
from demo.speech import Voice, speak
from demo.world import Scene, Shape

SAMPLES_DIR = Path(__file__).parent / "samples"
SEED = 2026

Truth = dict[str, Any]


def make_samples(folder: Path) -> Truth:
    """Write every sample and return the truth about them, by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    truth: Truth = {}
    for write in (_pictures, _documents, _recordings, _sounds, _clips):
        truth |= write(folder, rng)
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    return truth


def _pictures(folder: Path, rng: np.random.Generator) -> Truth:
    """Five pictures; the first two differ only in place and background, the last has words."""
    red, blue = Shape("", "red", "circle"), Shape("", "blue", "square")
    above = Scene((red, blue), "above")
    row = Scene(
        (Shape("", "green", "star"), Shape("small", "pink", "heart"), Shape("", "black", "moon")),
        "in a row",
    )
    inside = Scene((Shape("small", "white", "ring"), Shape("large", "purple", "diamond")), "inside")
    arrow = Scene((Shape("large", "orange", "arrow"),), "on the right")
    draw_scene(above, rng, (480, 360)).save(folder / "circle-above-square.jpg", quality=88)
    draw_scene(above, rng, (400, 400)).save(folder / "circle-above-square-again.png", optimize=True)
    draw_scene(row, rng, (640, 360)).save(folder / "three-in-a-row.webp", quality=85)
    draw_scene(inside, rng, (360, 480)).save(folder / "ring-inside-diamond.jpg", quality=88)
    sign = draw(place(arrow, rng), View(BACKGROUNDS[2], "exit to the right"), (640, 480))
    sign.save(folder / "sign.png", optimize=True)
    return {
        "circle-above-square.jpg": {"caption": above.caption},
        "circle-above-square-again.png": {"caption": above.caption},
        "three-in-a-row.webp": {"caption": row.caption},
        "ring-inside-diamond.jpg": {"caption": inside.caption},
        "sign.png": {"caption": arrow.caption, "text": "exit to the right"},
    }


def _documents(folder: Path, rng: np.random.Generator) -> Truth:
    """A PDF of two pages with a text layer and one scanned page, and a DOCX."""
    scenes = [
        Scene((Shape("large", "yellow", "star"), Shape("small", "brown", "cross")), "left of"),
        Scene((Shape("", "pink", "moon"),), "in the middle"),
    ]
    pictures = [draw_scene(scene, rng, (480, 360)) for scene in scenes]
    write_pdf(folder / "guide.pdf", _PDF_PAGES, pictures, _SCAN)
    write_docx(folder / "shapes.docx", _DOCX_TITLE, _DOCX_TEXT, _DOCX_TABLE)
    pages = [
        {"page": 1, "text": "\n".join(_PDF_PAGES[0]), "caption": scenes[0].caption},
        {"page": 2, "text": "\n".join(_PDF_PAGES[1]), "caption": scenes[1].caption},
        {"page": 3, "text": "\n".join(_SCAN), "scanned": True},
    ]
    rows = [" ".join(row) for row in _DOCX_TABLE]
    return {
        "guide.pdf": {"pages": pages},
        "shapes.docx": {"text": "\n".join([_DOCX_TITLE, *_DOCX_TEXT, *rows])},
    }


def _recordings(folder: Path, rng: np.random.Generator) -> Truth:
    """Two speakers, each some sentences with pauses."""
    _ = rng
    first = _say(_FIRST_TALK, Voice("en-us+f2", 150, 55))
    second = _say(_SECOND_TALK, Voice("en+m3", 138, 42))
    soundfile.write(folder / "talk.flac", first[0], SAMPLING_RATE)
    soundfile.write(folder / "notes.mp3", second[0], SAMPLING_RATE)
    return {"talk.flac": first[1], "notes.mp3": second[1]}


def _say(sentences: tuple[str, ...], voice: Voice) -> tuple[Samples, Truth]:
    """Speak sentences, half a second apart; times count from the start of the recording."""
    parts, told, at_s = [np.zeros(SAMPLING_RATE // 2, np.float32)], [], 0.5
    for sentence in sentences:
        speech = speak(sentence, voice)
        words = [
            [w.text, round(at_s + w.start_s, 3), round(at_s + w.end_s, 3)] for w in speech.words
        ]
        told.append(
            {"start_s": words[0][1], "end_s": words[-1][2], "text": sentence, "words": words}
        )
        pause = np.zeros(SAMPLING_RATE // 2, np.float32)
        parts += [speech.samples, pause]
        at_s += (len(speech.samples) + len(pause)) / SAMPLING_RATE
    return np.concatenate(parts), {"speech": told, "duration_s": round(at_s, 3)}


def _sounds(folder: Path, rng: np.random.Generator) -> Truth:
    """Beeps, then a sweep, then silence, then noise, each a chapter of the file."""
    plan = (("fast beeps", 10.0), ("a rising sweep", 4.0), ("silence", 6.0), ("steady noise", 10.0))
    samples = join([make_sound(kind, rng, duration_s) for kind, duration_s in plan], 0.0)
    ends_s = np.cumsum([duration_s for _, duration_s in plan]).tolist()
    spans = zip(plan, ends_s, strict=True)
    heard = [{"start_s": end - s, "end_s": end, "caption": kind} for (kind, s), end in spans]
    _write_with_chapters(folder / "sounds.ogg", samples, heard)
    return {"sounds.ogg": {"sounds": heard, "speech": []}}


def _write_with_chapters(path: Path, samples: Samples, spans: Sequence[Mapping[str, Any]]) -> None:
    """Write Opus in Ogg whose chapters are titled as the spans' captions, as podcasts are.

    Args:
        path: of the `.ogg`.
        samples: float32 in [-1, 1], shape (n_samples,), at `SAMPLING_RATE`.
        spans: `start_s`, `end_s` and `caption` of each chapter.
    """
    lines = [";FFMETADATA1"]
    for span in spans:
        start_ms, end_ms = round(span["start_s"] * 1000), round(span["end_s"] * 1000)
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start_ms}", f"END={end_ms}"]
        lines += [f"title={span['caption']}"]
    with tempfile.TemporaryDirectory() as folder:
        sound, chapters = Path(folder, "sound.ogg"), Path(folder, "chapters.txt")
        soundfile.write(sound, samples, SAMPLING_RATE, format="OGG", subtype="OPUS")
        chapters.write_text("\n".join(lines))
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
        inputs = ["-i", str(sound), "-f", "ffmetadata", "-i", str(chapters)]
        copied = ["-map", "0", "-map_chapters", "1", "-c", "copy", str(path)]
        subprocess.run([*program, *inputs, *copied], check=True)


def _clips(folder: Path, rng: np.random.Generator) -> Truth:
    """Two films of four shots; the second has a subtitle track."""
    first = write_clip(folder / "shapes.mp4", _first_film(), rng, Voice("en-us+m3", 150, 45))
    voice = Voice("en-gb-scotland+f1", 145, 60)
    second = write_clip(folder / "lesson.mp4", _second_film(), rng, voice, with_subtitles=True)
    return {"shapes.mp4": first, "lesson.mp4": second}


def _first_film() -> list[Shot]:
    pair = Scene((Shape("", "red", "circle"), Shape("", "blue", "square")), "above")
    single = Scene((Shape("large", "green", "triangle"),), "in the middle")
    stars = Scene((Shape("small", "yellow", "star"), Shape("large", "black", "heart")), "left of")
    moons = Scene((Shape("small", "white", "moon"), Shape("large", "red", "square")), "inside")
    return [
        Shot(single, 3.5, "grow", "shapes in motion", "look at the green triangle"),
        Shot(pair, 5.0, "right", "", f"now we see {pair.caption}"),
        Shot(stars, 4.0, "up", "listen", "", "a rising sweep", 2.5),
        Shot(moons, 4.5, "still", "the end", "then the moon moves down"),
    ]


def _second_film() -> list[Shot]:
    row = Scene(
        (Shape("", "orange", "diamond"), Shape("", "purple", "ring"), Shape("", "green", "cross")),
        "in a row",
    )
    before = Scene((Shape("large", "pink", "heart"),), "on the left")
    after = Scene((Shape("large", "blue", "heart"),), "on the left")
    drum = Scene((Shape("large", "brown", "ring"), Shape("small", "white", "arrow")), "above")
    last = Scene((Shape("small", "black", "star"), Shape("large", "yellow", "circle")), "inside")
    return [
        Shot(row, 4.5, "still", "lesson one", "count one two three"),
        Shot(
            before, 4.5, "still", "colours change", "then the pink heart turns blue", becomes=after
        ),
        Shot(drum, 5.0, "left", "", "listen to a slow drum", "a slow drum", 2.6),
        Shot(last, 4.0, "down", "thank you", "page ten shows a yellow circle"),
    ]


_PDF_PAGES = (
    (
        "A guide to the demo world",
        "Every picture here holds one, two or three shapes.",
        "A shape has a colour, a kind and a size.",
        "The picture below shows a large yellow star left of a small brown cross.",
    ),
    (
        "Sounds and speech",
        "Beeps and drums are slow or fast; tones are low or high.",
        "A sweep rises or falls. Silence is a sound too.",
        "The picture below shows a pink moon in the middle.",
    ),
)
_SCAN = (
    "Delivery note 4711",
    "Twelve orange lanterns were left",
    "at the harbour office on Monday.",
    "Please sign before the last boat.",
)
_DOCX_TITLE = "Shapes on order"
_DOCX_TEXT = (
    "The workshop makes ten kinds of shapes in ten colours.",
    "Hearts take longest, because every one is cut by hand.",
)
_DOCX_TABLE = (("Shape", "Days"), ("circle", "two"), ("heart", "nine"), ("arrow", "three"))
_FIRST_TALK = (
    "now we see a red circle above a blue square",
    "the yellow star moves left",
    "after seven seconds we hear a slow drum",
    "page four shows a large green triangle",
)
_SECOND_TALK = (
    "look at a small white ring inside a large purple diamond",
    "count eight nine ten",
    "then the orange arrow turns black",
)

if __name__ == "__main__":
    make_samples(SAMPLES_DIR)
