from types import SimpleNamespace

import pytest

from schemas.errors import ConfigurationError
from tests.workers.models.text_checkpoints import ref_of, write_layout
from workers.models.sentence_layout import SentenceLayout

BERT = SimpleNamespace(
    model_type="bert", max_position_embeddings=512, hidden_size=384, pad_token_id=0
)
XLM_R = SimpleNamespace(
    model_type="xlm-roberta", max_position_embeddings=514, hidden_size=768, pad_token_id=1
)
QWEN_PROMPTS = {"query": "Instruct: find passages\nQuery:", "document": ""}


def read(folder, config=BERT, **parameters):
    return SentenceLayout.read(ref_of(folder, **parameters), folder, config)


def test_plain_checkpoint_is_pooled_by_mean_without_prefixes(tmp_path):
    assert read(tmp_path) == SentenceLayout("mean", "", "", 512, None)


@pytest.mark.parametrize(
    ("flag", "pooling"), [("mean_tokens", "mean"), ("cls_token", "cls"), ("lasttoken", "last")]
)
def test_pooling_is_the_checkpoints(tmp_path, flag, pooling):
    write_layout(tmp_path, pooling=flag)

    assert read(tmp_path).pooling == pooling


def test_pooling_of_the_profile_wins(tmp_path):
    write_layout(tmp_path, pooling="mean_tokens")

    assert read(tmp_path, pooling="cls").pooling == "cls"


def test_pooling_that_is_not_computed_here_is_refused(tmp_path):
    write_layout(tmp_path, pooling="max_tokens")

    with pytest.raises(ConfigurationError, match=r"max_tokens, expected one of mean, cls, last"):
        read(tmp_path)


def test_prompts_are_the_checkpoints_unless_the_profile_has_its_own(tmp_path):
    write_layout(tmp_path, prompts=QWEN_PROMPTS)

    assert read(tmp_path).query_prefix == QWEN_PROMPTS["query"]
    own = read(tmp_path, query_prefix="query: ", passage_prefix="passage: ")
    assert (own.query_prefix, own.passage_prefix) == ("query: ", "passage: ")


def test_positions_reserved_for_padding_hold_no_token(tmp_path):
    assert read(tmp_path, XLM_R).max_tokens == 512


def test_length_is_the_checkpoints_unless_the_profile_has_its_own(tmp_path):
    write_layout(tmp_path, max_seq_length=128)

    assert read(tmp_path).max_tokens == 128
    assert read(tmp_path, max_tokens=300).max_tokens == 300
    with pytest.raises(ConfigurationError, match=r"max_tokens 600, expected 2 to 512"):
        read(tmp_path, max_tokens=600)


def test_more_numbers_than_there_are_cannot_be_kept(tmp_path):
    assert read(tmp_path, embedding_dim=256).embedding_dim == 256
    with pytest.raises(ConfigurationError, match=r"embedding_dim 999, expected 1 to 384"):
        read(tmp_path, embedding_dim=999)


def test_modules_that_are_not_computed_here_are_refused(tmp_path):
    models = "sentence_transformers.models"
    write_layout(tmp_path, modules=[f"{models}.Transformer", f"{models}.Pooling"])
    read(tmp_path)
    write_layout(tmp_path, modules=[f"{models}.Transformer", f"{models}.Dense"])

    with pytest.raises(ConfigurationError, match=r"modules\.json: found Dense, expected only"):
        read(tmp_path)
