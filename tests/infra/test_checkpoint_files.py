import pytest

from infra.checkpoint_files import choose_files
from schemas.errors import ConfigurationError

SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
INDEX = "model.safetensors.index.json"


def test_weights_and_texts_are_taken_and_nothing_else():
    paths = ["config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json"]
    others = [
        *("pytorch_model.bin", "tf_model.h5", "modeling_x.py", "README.md", "training_args.bin"),
        *("onnx/model.onnx", "onnx/config.json", "adapter_config.json", "model.fp16.safetensors"),
        "open_clip_model.safetensors",
    ]

    assert choose_files("a/b", [*others, *paths]) == sorted(paths)


def test_shards_come_with_their_index():
    assert choose_files("a/b", ["config.json", INDEX, *SHARDS]) == ["config.json", *SHARDS, INDEX]


def test_whole_weights_are_taken_instead_of_shards():
    assert choose_files("a/b", ["config.json", "model.safetensors", INDEX, *SHARDS]) == [
        "config.json",
        "model.safetensors",
    ]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["config.json"], "found none"),
        (["config.json", "pytorch_model.bin"], r"found only pytorch_model\.bin"),
        (["config.json", *SHARDS], "found none"),
        (["model.safetensors"], r"no config\.json"),
    ],
)
def test_checkpoint_that_cannot_be_loaded_is_refused(paths, said):
    with pytest.raises(ConfigurationError, match=f"a/b: .*{said}"):
        choose_files("a/b", paths)
