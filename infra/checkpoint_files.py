"""Which files of a published checkpoint we fetch: weights that cannot run code, and their texts."""

import re
from collections.abc import Iterable

from schemas.errors import ConfigurationError

#: What transformers, tokenizers and sentence-transformers read beside the weights. An allow-list:
#: no Python, no pickles, no weights of other libraries, no second copies in other number types.
_TEXTS = frozenset(
    {
        "config.json",
        "generation_config.json",
        "preprocessor_config.json",
        "processor_config.json",
        "video_preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "vocab.txt",
        "merges.txt",
        "normalizer.json",
        "spiece.model",
        "sentencepiece.bpe.model",
        "tokenizer.model",
        "chat_template.json",
        "chat_template.jinja",
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
    }
)
_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")


def choose_files(repository: str, paths: Iterable[str]) -> list[str]:
    """The files of a checkpoint that are worth having, sorted.

    Where weights come whole and in shards, the whole file is taken, as transformers does.

    Raises:
        ConfigurationError: there are no safetensors weights, or no `config.json`.
    """
    there = set(paths)
    shards = {path for path in there if _SHARD.fullmatch(path)}
    weights = {_WHOLE} & there or (shards | {_INDEX} if _INDEX in there else set())
    if not weights:
        others = sorted(p for p in there if p.endswith((".bin", ".pt", ".pth", ".h5", ".msgpack")))
        found = f"only {', '.join(others[:3])}" if others else "none"
        raise ConfigurationError(
            f"{repository}: no weights in safetensors, found {found}; "
            "name a revision or a repository that has them"
        )
    if "config.json" not in there:
        raise ConfigurationError(f"{repository}: no config.json beside the weights")
    return sorted(weights | (_TEXTS & there))
