from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from schemas.asset import ArtifactKind, MediaType
from schemas.segment import Page, TimeSpan
from schemas.stages import ModelRef
from tests.factories import make_facts
from tests.workers.stages.sources import image_source, picture, run
from workers.models.loading import FAMILIES
from workers.models.roles import ClipEncoder, ImageEncoder
from workers.stage import StageContext
from workers.stages.embed_visual import EmbedVisual


class TinyEyes(ImageEncoder):
    def read_pixels(self, source):
        return np.zeros((1, 1, 3), np.uint8)

    def embed_images(self, images):
        return np.eye(8, dtype=np.float32)[: len(images)]


@pytest.fixture
def stage(monkeypatch, cpu):
    ref = ModelRef(source="tiny", revision="1", family="tiny")
    monkeypatch.setitem(FAMILIES, "tiny", f"{__name__}:TinyEyes")
    stage = EmbedVisual(StageContext(model=ref))
    stage.load(cpu)
    return stage


@pytest.mark.parametrize(
    ("kind", "place", "role", "locator"),
    [
        (ArtifactKind.VIEW, {}, "image", None),
        (ArtifactKind.PAGES, {"page": 2}, "page", Page(page=2)),
        (ArtifactKind.FIGURES, {"page": 2}, "figure", Page(page=2)),
        (
            ArtifactKind.FRAMES,
            {"start_s": 0.0, "end_s": 4.0, "frame_s": 2.0},
            "shot",
            TimeSpan(start_s=0.0, end_s=4.0),
        ),
    ],
)
def test_embed_visual_says_what_an_embedding_is_of(stage, tmp_path, kind, place, role, locator):
    (found,) = run(stage, image_source(tmp_path, [picture()], kind, [place]))

    assert (found.segment.role, found.segment.locator, found.segment.text) == (role, locator, None)
    assert found.segment.extra == ({"frame_s": 2.0} if role == "shot" else {})


def test_embed_visual_gives_each_image_its_own(stage, tmp_path):
    found = run(stage, image_source(tmp_path, [picture(), picture()]))

    assert [result.embedding.argmax() for result in found] == [0, 1]


class TinyFilmGoer(ClipEncoder):
    """A clip's embedding says which frames it saw: their widths."""

    n_frames = 3

    def read_pixels(self, source):
        return Image.open(BytesIO(source)).width

    def embed_clips(self, clips):
        return np.array(clips, np.float32)


@pytest.fixture
def film_goer(monkeypatch, cpu):
    monkeypatch.setitem(FAMILIES, "tiny", f"{__name__}:TinyFilmGoer")
    stage = EmbedVisual(StageContext(model=ModelRef(source="clips", revision="1", family="tiny")))
    stage.load(cpu)
    return stage


def film(folder, shots, n_frames):
    """A video with a frame a second; the frame of second n is 10 + n px wide."""
    frames = [picture(size=(10 + i, 8)) for i in range(n_frames)]
    places = [{"start_s": i, "end_s": i + 1, "frame_s": i + 0.5} for i in range(n_frames)]
    source = image_source(folder, frames, ArtifactKind.FRAMES, places)
    shots = [{"start_s": float(start), "end_s": float(end)} for start, end in shots]
    facts = make_facts(media_type=MediaType.VIDEO, extra={"shots": shots})
    return replace(source, facts=facts)


def seen(stage, source):
    return [
        (result.segment.locator.start_s, result.segment.locator.end_s, list(result.embedding))
        for result in run(stage, source)
    ]


def test_embed_visual_shows_neighbouring_frames_of_a_shot_together(film_goer, tmp_path):
    source = film(tmp_path, shots=[(0, 4), (4, 6)], n_frames=6)

    assert seen(film_goer, source) == [
        (0, 3, [10, 11, 12]),
        (3, 4, [13, 13, 13]),
        (4, 6, [14, 14, 15]),
    ]


def test_embed_visual_names_the_middle_frame_of_a_clip(film_goer, tmp_path):
    (found,) = run(film_goer, film(tmp_path, shots=[(0, 3)], n_frames=3))

    assert (found.segment.role, found.segment.extra) == ("shot", {"frame_s": 1.5})


def test_embed_visual_shows_frames_alone_where_shots_are_unknown(film_goer, tmp_path):
    source = film(tmp_path, shots=[(0, 2)], n_frames=4)

    assert [span for *span, _ in seen(film_goer, source)] == [[0, 2], [2, 3], [3, 4]]


def test_embed_visual_takes_pictures_for_clips_that_stand_still(film_goer, tmp_path):
    found = run(film_goer, image_source(tmp_path, [picture(size=(9, 9)), picture(size=(7, 7))]))

    assert [list(result.embedding) for result in found] == [[9, 9, 9], [7, 7, 7]]
    assert [result.segment.locator for result in found] == [None, None]
