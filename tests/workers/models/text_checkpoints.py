"""Checkpoints of text encoders with random weights, made by the classes that published ones use."""

import json
from pathlib import Path

from schemas.stages import ModelRef
from workers.models.loading import quiet_transformers

WORDS = "query passage : the a red blue circle square rain falls loud tone Instruct Query"


def word_tokenizer(folder: Path, frame: str = "<s> $A </s>", padding_side: str = "right"):
    """Save a tokenizer of a few words that frames every text with marks."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "<pad>", "</s>", "<unk>", *WORDS.split()]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single=frame, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        padding_side=padding_side,
        model_input_names=["input_ids", "attention_mask"],
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def small(**options):
    """Sizes of a body that computes in milliseconds; weights drawn wide, so that texts differ."""
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    return {**sizes, "num_attention_heads": 2, "initializer_range": 0.3, "vocab_size": 32} | options


def make_bert(folder: Path) -> None:
    from transformers import BertConfig, BertModel

    word_tokenizer(folder)
    BertModel(BertConfig(**small(max_position_embeddings=24, pad_token_id=1))).save_pretrained(
        folder
    )


def make_xlm_roberta(folder: Path) -> None:
    from transformers import XLMRobertaConfig, XLMRobertaModel

    word_tokenizer(folder)
    config = XLMRobertaConfig(**small(max_position_embeddings=26, pad_token_id=1))
    XLMRobertaModel(config).save_pretrained(folder)


def make_qwen3(folder: Path) -> None:
    """As Qwen3-Embedding is published: a causal model's weights, an end token after each text."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    word_tokenizer(folder, frame="$A </s>", padding_side="left")
    config = Qwen3Config(
        **small(max_position_embeddings=64, num_key_value_heads=1, head_dim=16), pad_token_id=1
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)


MAKERS = {"bert": make_bert, "xlm-roberta": make_xlm_roberta, "qwen3": make_qwen3}


def make(name: str, folder: Path, **files) -> Path:
    """Write a checkpoint; `files` are JSON files of the sentence-transformers layout by key."""
    import torch

    quiet_transformers()
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        MAKERS[name](folder)
    write_layout(folder, **files)
    return folder


def write_layout(folder: Path, pooling=None, prompts=None, modules=None, max_seq_length=None):
    """Write those files of the sentence-transformers layout that are given."""
    wanted = {
        "1_Pooling/config.json": pooling and {f"pooling_mode_{pooling}": True},
        "config_sentence_transformers.json": prompts and {"prompts": prompts},
        "modules.json": modules and [{"type": name} for name in modules],
        "sentence_bert_config.json": max_seq_length and {"max_seq_length": max_seq_length},
    }
    for name, content in wanted.items():
        if content:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(content))


def ref_of(folder: Path, **parameters) -> ModelRef:
    return ModelRef(source=str(folder), revision="1", family="sentence", parameters=parameters)
