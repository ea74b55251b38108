import numpy as np
import pytest

from schemas.asset import ArtifactKind
from schemas.segment import TimeSpan
from schemas.stages import Background, ModelRef
from tests.workers.stages.sources import image_source, picture, segments
from workers.models.loading import FAMILIES
from workers.models.roles import Captioner, CaptionText, ImageEncoder
from workers.stage import StageContext
from workers.stages.caption import Caption


class TinyCaptioner(Captioner):
    """Says how large the file is; nothing if it is small."""

    def read_pixels(self, source):
        return len(source)

    def caption(self, images):
        return [CaptionText("a large file" if size > 700 else "", 0.5) for size in images]


class TinyEye(ImageEncoder):
    """Every image lies between all captions and something else."""

    def read_pixels(self, source):
        return len(source)

    def embed_images(self, images):
        return np.tile(np.array([0.6, 0.8], np.float32), (len(images), 1))

    def embed_texts(self, texts):
        return np.tile(np.array([1.0, 0.0], np.float32), (len(texts), 1))


@pytest.fixture
def build(monkeypatch, cpu):
    monkeypatch.setitem(FAMILIES, "tiny", f"{__name__}:TinyCaptioner")
    monkeypatch.setitem(FAMILIES, "eye", f"{__name__}:TinyEye")

    def build(judge=None, **fields):
        ref = ModelRef(source="tiny", revision="1", family="tiny", **fields)
        stage = Caption(StageContext(model=ref, judge=judge))
        stage.load(cpu)
        return stage

    return build


def test_caption_says_what_a_picture_shows(build, tmp_path):
    (found,) = segments(build(), image_source(tmp_path, [picture("text")]))

    assert (found.text, found.role, found.language) == ("a large file", "caption", "en")
    assert (found.confidence, found.locator, found.searchable) == (0.5, None, True)


def test_caption_says_which_shot_it_means(build, tmp_path):
    shot = {"start_s": 1.0, "end_s": 3.0, "frame_s": 2.0}
    source = image_source(tmp_path, [picture("a")], ArtifactKind.KEYFRAMES, [shot])

    assert segments(build(), source)[0].locator == TimeSpan(start_s=1.0, end_s=3.0)


def test_caption_without_words_is_left_out(build, tmp_path):
    assert segments(build(), image_source(tmp_path, [picture(size=(8, 8))])) == []


def test_caption_of_random_weights_stays_out_of_search(build, tmp_path):
    source = image_source(tmp_path, [picture("text")])

    (found,) = segments(build(random_weights=True), source)

    assert not found.searchable
    assert found.extra == {"flags": ["random_weights"]}


def make_judge(mean):
    background = Background(mean=mean, std=0.1)
    return ModelRef(source="eye", revision="1", family="eye", background=background)


def test_caption_that_fits_better_than_others_would_is_found(build, tmp_path):
    source = image_source(tmp_path, [picture("text")])

    (found,) = segments(build(judge=make_judge(0.4)), source)

    assert found.searchable
    assert found.extra == {"grounding": pytest.approx(0.977, abs=0.001)}


def test_caption_that_fits_no_better_than_others_is_kept_out_of_search(build, tmp_path):
    source = image_source(tmp_path, [picture("text")])

    (found,) = segments(build(judge=make_judge(0.6)), source)

    assert not found.searchable
    assert found.extra == {"grounding": 0.5, "flags": ["ungrounded"]}
