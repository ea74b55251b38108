import json
import pickle

import pytest
from safetensors.numpy import save_file

from schemas.errors import ConfigurationError
from schemas.stages import ModelRef
from workers.models.refusals import refuse_code, refuse_parameters, refuse_pickles


@pytest.fixture
def folder(tmp_path):
    """What a harmless checkpoint looks like."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip", "auto_map": {}}))
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {"auto_map": 7}}}')
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"auto_map": "x"}}')
    save_file({}, tmp_path / "model.safetensors")
    return tmp_path


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_a_harmless_checkpoint_passes(folder):
    refuse_code(folder)
    refuse_pickles(folder)
    refuse_parameters(ModelRef(source="x", revision="1", family="x", parameters={"prompt": "Say"}))


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "tokenizer_config.json",
        "preprocessor_config.json",
        "processor_config.json",
        "video_preprocessor_config.json",
        "generation_config.json",
        "1_Pooling/config.json",
    ],
)
def test_code_is_refused_in_any_config(folder, name):
    write(folder, name, {"auto_map": {"AutoModel": "evil--repo.Model"}})

    with pytest.raises(ConfigurationError, match=rf"{name}: .* its own code \(auto_map\)"):
        refuse_code(folder)


@pytest.mark.parametrize(
    ("key", "config"),
    [
        ("auto_map", {"vision_config": {"deeper": [{"auto_map": {"AutoConfig": "evil.C"}}]}}),
        ("custom_pipelines", {"custom_pipelines": {"caption": {"impl": "evil.Pipeline"}}}),
        ("trust_remote_code", {"image_processor": {"trust_remote_code": True}}),
    ],
)
def test_code_is_refused_at_any_depth(folder, key, config):
    write(folder, "processor_config.json", config)

    with pytest.raises(ConfigurationError, match=key):
        refuse_code(folder)


def test_a_config_that_is_no_json_is_refused(folder):
    (folder / "config.json").write_bytes(b"\x80\x04evil")

    with pytest.raises(ConfigurationError, match=r"config\.json: expected JSON"):
        refuse_code(folder)


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib"])
def test_pickles_are_refused_beside_good_weights(folder, suffix):
    (folder / f"vocab{suffix}").write_bytes(b"anything")

    with pytest.raises(ConfigurationError, match=rf"vocab\{suffix}: found a pickle"):
        refuse_pickles(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "spiece.model", "extra/vocab.txt"])
def test_pickles_are_refused_under_any_name(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(pickle.dumps({"a": 1}))

    with pytest.raises(ConfigurationError, match=rf"{name}: found a pickle"):
        refuse_pickles(folder)


def test_pickled_weights_beside_safetensors_are_left_alone(folder):
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"a": 1}))

    refuse_pickles(folder)


def test_pickled_weights_alone_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    with pytest.raises(ConfigurationError, match=r"safetensors; found only pytorch_model\.bin"):
        refuse_pickles(folder)


def test_weights_that_only_claim_to_be_safetensors_are_refused(folder):
    (folder / "model.safetensors").write_bytes(b"PK\x03\x04 a zip, as torch saves pickles")

    with pytest.raises(ConfigurationError, match=r"model\.safetensors: expected safetensors"):
        refuse_pickles(folder)


@pytest.mark.parametrize(
    "parameters", [{"trust_remote_code": True}, {"load": {"trust_remote_code": "yes"}}]
)
def test_a_profile_cannot_ask_for_remote_code(parameters):
    ref = ModelRef(source="some/model", revision="1", family="clip", parameters=parameters)

    with pytest.raises(ConfigurationError, match=r"some/model: .* must not set trust_remote_code"):
        refuse_parameters(ref)
