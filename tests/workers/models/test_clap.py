import numpy as np
import pytest
import torch

from infra import profiles
from schemas.stages import ModelRef
from tests.workers.models.text_checkpoints import small, word_tokenizer
from workers.models.clap import Clap, resample
from workers.models.loading import load_model, quiet_transformers
from workers.models.roles import AudioEncoder


@pytest.fixture(scope="module")
def clap(demo_models):
    from workers.device import Device

    return load_model(demo_models["embed_audio"], Device("cpu"), AudioEncoder)


def tone(hz, seconds, rate):
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


def test_resample_keeps_a_tone():
    raised = resample(tone(440, 1.0, 16_000), 16_000, 48_000)

    assert raised.dtype == np.float32
    assert raised == pytest.approx(tone(440, 1.0, 48_000), abs=1e-4)


@pytest.mark.parametrize("n_samples", [1, 7, 15_999])
def test_resample_takes_any_length(n_samples):
    assert len(resample(np.ones(n_samples, np.float32), 16_000, 48_000)) == 3 * n_samples


def test_resample_leaves_the_same_rate_alone():
    samples = tone(440, 0.1, 16_000)

    assert resample(samples, 16_000, 16_000) is samples


def test_clap_agrees_with_the_library(clap):
    from transformers import ClapFeatureExtractor, ClapModel

    folder = profiles.CHECKPOINTS_DIR / "clap"
    at_48k = [tone(440, 10.0, 48_000), tone(3000, 4.0, 48_000)]
    inputs = ClapFeatureExtractor.from_pretrained(folder)(
        at_48k, sampling_rate=48_000, return_tensors="pt"
    )
    with torch.no_grad():
        expected = ClapModel.from_pretrained(folder).get_audio_features(**inputs).pooler_output

    at_16k = [tone(440, 10.0, 16_000), tone(3000, 4.0, 16_000)]
    found = clap.embed_audio([clap.extract_features(samples) for samples in at_16k])

    assert (found * expected.numpy()).sum(1) == pytest.approx(1.0, abs=1e-3)


def test_clap_hears_the_same_each_time(clap):
    features = [clap.extract_features(tone(440, 10.0, 16_000)) for _ in range(2)]

    assert np.array_equal(*features)
    assert features[0].dtype == np.float32


def test_clap_embeds_sounds_and_texts_in_one_space(clap):
    sounds = clap.embed_audio([clap.extract_features(tone(440, 1.0, 16_000))])
    texts = clap.embed_texts(["rain", "the sound of an engine " * 50])

    assert sounds.shape == (1, 128)
    assert texts.shape == (2, 128)
    assert np.linalg.norm([*sounds, *texts], axis=1) == pytest.approx(1.0, abs=1e-5)


def make_clap(folder, *, fused):
    """A tiny checkpoint as LAION's fused and unfused ones are published."""
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    quiet_transformers()
    word_tokenizer(folder)
    config = ClapConfig(
        text_config=small(max_position_embeddings=26, pad_token_id=1),
        audio_config={
            "patch_embeds_hidden_size": 8,
            "hidden_size": 64,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 1, 1, 1],
            "num_hidden_layers": 4,
            "enable_fusion": fused,
        },
        projection_dim=16,
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        ClapModel(config).eval().save_pretrained(folder)
    ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc").save_pretrained(folder)
    return ModelRef(source=str(folder), revision="1", family="clap")


@pytest.mark.parametrize(("fused", "n_views"), [(False, 1), (True, 4)])
def test_clap_reads_both_published_layouts(tmp_path, cpu, half, fused, n_views):
    from transformers import AutoFeatureExtractor, AutoModel

    ref = make_clap(tmp_path, fused=fused)
    clap = load_model(ref, cpu, AudioEncoder)
    sounds = [tone(440, 10.0, 16_000), tone(3000, 4.0, 16_000)]
    features = [clap.extract_features(sound) for sound in sounds]
    inputs = AutoFeatureExtractor.from_pretrained(tmp_path)(
        [tone(440, 10.0, 48_000), tone(3000, 4.0, 48_000)],
        sampling_rate=48_000,
        return_tensors="pt",
    )
    with torch.no_grad():
        expected = AutoModel.from_pretrained(tmp_path).get_audio_features(
            inputs.input_features, is_longer=torch.zeros((2, 1), dtype=torch.bool)
        )
    expected = torch.nn.functional.normalize(expected.pooler_output, dim=-1).numpy()

    coarse = Clap(ref, half).embed_audio(features)

    assert features[0].shape[0] == n_views
    assert (coarse * expected).sum(1).min() > 0.99
    assert (clap.embed_audio(features) * expected).sum(1) == pytest.approx(1.0, abs=1e-3)
    assert clap.embed_texts(["rain falls", "loud tone " * 50]).shape == (2, 16)
