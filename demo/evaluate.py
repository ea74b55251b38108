"""Measure the demo's models on a fresh world, as JSON: `python -m demo.evaluate --seed N`."""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from demo.clips import random_shots, write_clip
from demo.draw import draw_scene
from demo.sounds import SAMPLING_RATE, SOUND_KINDS, Samples, make_sound
from demo.speech import random_voice, speak
from demo.train.clap import WINDOW_S, holds, make_window
from demo.train.loop import TRAINING_SEED
from demo.world import Scene, distinct_scenes, pick, random_sentence
from infra.profiles import read_profile
from infra.settings import MediaLimits
from schemas.asset import ArtifactKind
from schemas.stages import ModelRef
from workers.device import Device
from workers.media.image_tar import encode_jpeg, read_images
from workers.media.read import read_object
from workers.media.speech import SpeechDetector, speech_regions
from workers.models.grounding import MIN_GROUNDING, share_below
from workers.models.loading import load_model
from workers.models.roles import AudioEncoder, Captioner, ImageEncoder, Transcriber

#: Sizes that pictures come in.
_SIZES_PX = ((640, 480), (480, 640), (400, 400), (640, 360))
_BATCH = 32
#: Above it, a window counts as nobody speaking.
_NO_SPEECH = 0.6
_GOOD_IOU = 0.5


def main() -> None:
    """Print the figures of one seed."""
    parser = argparse.ArgumentParser(description="Measure the demo's models on a fresh world.")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--only", choices=_MEASURES, help="measure this model only")
    wanted = parser.parse_args()
    if wanted.seed == TRAINING_SEED:
        parser.error("the models were trained on this seed; choose another")
    measures = [wanted.only] if wanted.only else list(_MEASURES)
    figures: dict[str, float] = {}
    for name in measures:
        figures |= _MEASURES[name](np.random.default_rng(wanted.seed))
    print(json.dumps({"seed": wanted.seed, **figures}, indent=1))  # noqa: T201


def measure_siglip(
    rng: np.random.Generator, n_images: int = 500, n_clips: int = 12
) -> dict[str, float]:
    """Find pictures, and moments of clips, by their captions; tell captions of other pictures."""
    ref = read_profile("demo")["embed_visual"]
    model = load_model(ref, Device(), ImageEncoder)
    scenes = distinct_scenes(rng, n_images)
    images = _embed_images(model, _jpegs(scenes, rng))
    alike = model.embed_texts([s.caption for s in scenes]) @ images.T
    found = alike.argmax(1)
    told_otherwise = (model.embed_texts([s.mirrored_caption for s in scenes]) @ images.T).argmax(1)
    own = np.arange(n_images)
    return {
        "text_image_recall_at_1": float((found == own).mean()),
        "mirrored_text_image_recall_at_1": float((told_otherwise == own).mean()),
        "true_captions_grounded": _grounded(alike.diagonal(), ref),
        "false_captions_grounded": _grounded(np.roll(alike, 1, axis=0).diagonal(), ref),
        "moment_recall_at_1_iou50": _moment_recall(model, rng, n_clips),
    }


def _grounded(cosines: np.ndarray, ref: ModelRef) -> float:
    """Share of the pairs that the caption stage would not flag."""
    assert ref.background is not None
    scores = [share_below(float(cosine), ref.background) for cosine in cosines]
    return sum(score >= MIN_GROUNDING for score in scores) / len(scores)


def _jpegs(scenes: Sequence[Scene], rng: np.random.Generator) -> list[bytes]:
    return [encode_jpeg(draw_scene(scene, rng, pick(rng, _SIZES_PX))) for scene in scenes]


def _embed_images(model: ImageEncoder, jpegs: Sequence[bytes]) -> np.ndarray:
    pixels = [model.read_pixels(jpeg) for jpeg in jpegs]
    batches = [pixels[i : i + _BATCH] for i in range(0, len(pixels), _BATCH)]
    return np.concatenate([model.embed_images(batch) for batch in batches])


def _moment_recall(model: ImageEncoder, rng: np.random.Generator, n_clips: int) -> float:
    """Share of shots found, clip and seconds, by their caption among all frames of all clips."""
    scenes = distinct_scenes(rng, n_clips * 4)
    wanted, spans, jpegs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(n_clips):
            path = Path(folder) / f"{number}.mp4"
            truth = write_clip(path, random_shots(rng, scenes[number * 4 : number * 4 + 4]), rng)
            wanted += [(number, shot["start_s"], shot["end_s"]) for shot in truth["shots"]]
            for span, jpeg in _frames(path):
                spans.append((number, *span))
                jpegs.append(jpeg)
    images = _embed_images(model, jpegs)
    best = (model.embed_texts([scene.caption for scene in scenes]) @ images.T).argmax(1)
    hits = [
        _overlap(span, spans[index]) >= _GOOD_IOU for span, index in zip(wanted, best, strict=True)
    ]
    return sum(hits) / len(hits)


def _frames(path: Path) -> list[tuple[tuple[float, float], bytes]]:
    """The frames that the pipeline would embed, and the times they stand for."""
    with tempfile.TemporaryDirectory() as scratch:
        prepared = read_object(path, path.name, Path(scratch), MediaLimits())
        return [
            ((member.start_s or 0.0, member.end_s or 0.0), jpeg)
            for artifact in prepared.artifacts
            if artifact.kind is ArtifactKind.FRAMES
            for member, jpeg in read_images(artifact.path, artifact.images)
        ]


def _overlap(wanted: tuple[int, float, float], found: tuple[int, float, float]) -> float:
    """Intersection over union of two spans, 0 between clips."""
    if wanted[0] != found[0]:
        return 0.0
    shared = min(wanted[2], found[2]) - max(wanted[1], found[1])
    return max(shared, 0.0) / (max(wanted[2], found[2]) - min(wanted[1], found[1]))


def measure_blip(rng: np.random.Generator, n_images: int = 300) -> dict[str, float]:
    """Caption pictures; right is right to the last word."""
    model = load_model(read_profile("demo")["caption"], Device(), Captioner)
    scenes = distinct_scenes(rng, n_images)
    pixels = [model.read_pixels(jpeg) for jpeg in _jpegs(scenes, rng)]
    batches = [pixels[i : i + _BATCH] for i in range(0, n_images, _BATCH)]
    told = [caption.text for batch in batches for caption in model.caption(batch)]
    right = [text == scene.caption for text, scene in zip(told, scenes, strict=True)]
    return {"caption_exact": sum(right) / n_images}


def measure_whisper(rng: np.random.Generator, n_windows: int = 100) -> dict[str, float]:
    """Transcribe voices and speeds kept from training, and what holds no speech at all."""
    model = load_model(read_profile("demo")["transcribe"], Device(), Transcriber)
    n_wrong = n_words = 0
    for _ in range(n_windows):
        samples, text = _speech(rng, model.window_s)
        heard = " ".join(
            u.text for u in model.transcribe([model.extract_features(samples)])[0].utterances
        )
        n_wrong += _n_edits(text.split(), heard.split())
        n_words += len(text.split())
    kinds = [pick(rng, SOUND_KINDS) for _ in range(100)]
    false = sum(_is_heard_as_speech(model, make_sound(kind, rng, 5.0)) for kind in kinds)
    return {"asr_wer": n_wrong / n_words, "silence_false_transcripts": float(false)}


def _speech(rng: np.random.Generator, longest_s: float) -> tuple[Samples, str]:
    """One or two sentences with a pause, shorter than a window."""
    voice = random_voice(rng, held_out=True)
    texts, parts = [], [np.zeros(SAMPLING_RATE // 4, np.float32)]
    for _ in range(2):
        text = random_sentence(rng)
        spoken = speak(text, voice).samples
        if sum(map(len, parts)) + len(spoken) > longest_s * SAMPLING_RATE:
            break
        texts.append(text)
        parts += [spoken, np.zeros(int(rng.uniform(0.2, 0.6) * SAMPLING_RATE), np.float32)]
    return np.concatenate(parts)[: int(longest_s * SAMPLING_RATE)], " ".join(texts)


def _is_heard_as_speech(model: Transcriber, samples: Samples) -> bool:
    """Whether a sound gets past voice detection and the model's own gate with any text."""
    pcm = (samples * 32767).clip(-32768, 32767).astype(np.int16)
    if not speech_regions(SpeechDetector().probabilities(pcm), len(pcm) / SAMPLING_RATE):
        return False
    transcript = model.transcribe([model.extract_features(samples)])[0]
    return bool(transcript.utterances) and transcript.no_speech_prob < _NO_SPEECH


def _n_edits(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Words to change, drop or add to turn one into the other."""
    row = np.arange(len(heard) + 1)
    for i, word in enumerate(wanted, start=1):
        above, row = row, np.full(len(heard) + 1, i)
        for j, other in enumerate(heard, start=1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != other))
    return int(row[-1])


def measure_clap(rng: np.random.Generator, n_windows: int = 200) -> dict[str, float]:
    """Find windows of sound by what is heard in them."""
    model = load_model(read_profile("demo")["embed_audio"], Device(), AudioEncoder)
    windows = [make_window(rng) for _ in range(n_windows)]
    features = [
        model.extract_features(samples[: WINDOW_S * SAMPLING_RATE]) for samples, _ in windows
    ]
    batches = [features[i : i + _BATCH] for i in range(0, n_windows, _BATCH)]
    sounds = np.concatenate([model.embed_audio(batch) for batch in batches])
    names = sorted({tuple(heard) for _, heard in windows if all(heard)})
    best = (model.embed_texts([" then ".join(name) for name in names]) @ sounds.T).argmax(1)
    hits = [holds(name, windows[index][1]) for name, index in zip(names, best, strict=True)]
    return {"sound_recall_at_1": sum(hits) / len(hits)}


_MEASURES = {
    "siglip": measure_siglip,
    "blip": measure_blip,
    "whisper": measure_whisper,
    "clap": measure_clap,
}

if __name__ == "__main__":
    main()
