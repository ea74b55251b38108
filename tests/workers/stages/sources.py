"""Jobs' inputs as the runner would fetch them."""

from uuid import UUID

import numpy as np
import soundfile
from PIL import Image, ImageDraw, ImageFont

from schemas.asset import Artifact, ArtifactKind, AssetId, AudioPart, ObjectRef
from schemas.job import Job, JobId, Priority
from schemas.segment import Segment
from workers.media.image_tar import ImageTarWriter
from workers.stage import Source

RATE = 16_000


def make_source(folder, *, source="view", **fields):
    job = Job(
        job_id=JobId(UUID(int=1)),
        asset_id=AssetId(UUID(int=2)),
        tenant="t",
        stage="s",
        version="v",
        part=0,
        source=source,
        source_part=0,
        cost=1.0,
        priority=Priority.NORMAL,
        attempts=1,
        fence=1,
    )
    return Source(job=job, scratch=folder, ref=ObjectRef(bucket="b", key="k"), **fields)


def image_source(folder, images, kind=ArtifactKind.VIEW, places=()):
    """An image artifact; `places` are the members' page or times."""
    path = folder / "images.tar"
    with ImageTarWriter(path) as writer:
        for i, image in enumerate(images):
            writer.add(image, **(places[i] if places else {}))
    artifact = Artifact(kind=kind, part=0, key="k", size_bytes=1, images=writer.images)
    return make_source(folder, source=kind.value, path=path, artifact=artifact)


def audio_source(folder, samples, *, start_s=0.0, speech=None, **track):
    path = folder / "audio.flac"
    soundfile.write(path, samples, RATE)
    part = AudioPart(start_s=start_s, duration_s=len(samples) / RATE, speech=speech, **track)
    artifact = Artifact(kind=ArtifactKind.AUDIO, part=0, key="k", size_bytes=1, audio=part)
    return make_source(folder, source="audio", path=path, artifact=artifact)


def text_source(folder, segments, source="ocr"):
    return make_source(folder, source=source, segments=segments)


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def picture(text="", size=(320, 120)):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 30), text, "black", ImageFont.load_default(40))
    return image


def line(text, **fields):
    return Segment(ordinal=0, text=text, **fields)


def run(stage, source):
    """What a job of one source gives, in one model batch."""
    items = list(stage.preprocess(source))
    outputs = stage.forward(items) if items else []
    return [
        result
        for item, output in zip(items, outputs, strict=True)
        for result in stage.postprocess(item, output)
    ]


def segments(stage, source):
    return [result.segment for result in run(stage, source)]
