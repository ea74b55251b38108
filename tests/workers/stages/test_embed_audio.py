import numpy as np
import pytest

from schemas.stages import ModelRef
from tests.workers.stages.sources import RATE, audio_source, noise, run
from workers.models.loading import FAMILIES
from workers.models.roles import AudioEncoder
from workers.stage import StageContext
from workers.stages.embed_audio import EmbedAudio


class TinyEars(AudioEncoder):
    def extract_features(self, samples):
        return samples

    def embed_audio(self, windows):
        return np.eye(8, dtype=np.float32)[: len(windows)]


@pytest.fixture
def stage(monkeypatch, cpu):
    ref = ModelRef(source="tiny", revision="1", family="tiny")
    monkeypatch.setitem(FAMILIES, "tiny", f"{__name__}:TinyEars")
    stage = EmbedAudio(StageContext(model=ref))
    stage.load(cpu)
    return stage


def spans(results):
    return [(r.segment.locator.start_s, r.segment.locator.end_s) for r in results]


def test_embed_audio_cuts_windows_of_ten_seconds(stage, tmp_path):
    source = audio_source(tmp_path, noise(24.5), start_s=600.0)

    found = run(stage, source)

    assert spans(found) == [(600.0, 610.0), (610.0, 620.0), (620.0, 624.5)]
    assert {result.segment.role for result in found} == {"sound"}
    assert [len(i.payload) for i in stage.preprocess(source)] == [10 * RATE, 10 * RATE, 4.5 * RATE]


def test_embed_audio_leaves_silence_out(stage, tmp_path):
    sound = noise(30.0)
    sound[10 * RATE : 20 * RATE] = 0.0

    assert spans(run(stage, audio_source(tmp_path, sound))) == [(0.0, 10.0), (20.0, 30.0)]


def test_embed_audio_takes_the_header_for_no_more_than_the_sound(stage, tmp_path):
    source = audio_source(tmp_path, noise(10.0))
    part = source.artifact.audio.model_copy(update={"duration_s": 25.0})
    longer = source.artifact.model_copy(update={"audio": part})

    found = run(stage, source.__class__(**{**source.__dict__, "artifact": longer}))

    assert spans(found) == [(0.0, 10.0)]
