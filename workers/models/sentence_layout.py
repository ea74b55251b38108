"""What a sentence model's own files, and the profile over them, say about its use.

The layout of sentence-transformers (https://sbert.net/docs/sentence_transformer/usage): a module
list, pooling, longest text and prompts, each in a file of its own; plain checkpoints lack them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

from schemas.errors import ConfigurationError
from schemas.stages import ModelRef

Pooling = Literal["mean", "cls", "last"]

#: Flags of `1_Pooling/config.json`, and the pooling each stands for.
_POOLING_FLAGS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
#: Modules that this project computes; others would change the embedding.
_KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
#: Architectures that count positions from their padding index + 1.
_COUNT_FROM_PADDING = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet"}


@dataclass(frozen=True)
class SentenceLayout:
    """How texts become embeddings with one checkpoint."""

    #: Which of the last hidden states are the embedding: their mean, the first, the last.
    pooling: Pooling
    #: Written before questions and passages.
    query_prefix: str
    passage_prefix: str
    #: Longest text with marks and prefix; what is beyond is cut.
    max_tokens: int
    #: Leading numbers kept of each embedding (Matryoshka, https://arxiv.org/abs/2205.13147);
    #: None keeps all.
    embedding_dim: int | None

    @classmethod
    def read(cls, ref: ModelRef, folder: Path, config: Any) -> Self:
        """Read a checkpoint's files; the profile's `parameters` win over them.

        Raises:
            ConfigurationError: the checkpoint needs what is not computed here, or a parameter
                does not fit it.
        """
        _refuse_unknown_modules(folder)
        chosen = ref.parameters
        prompts = _read(folder / "config_sentence_transformers.json").get("prompts") or {}
        passage = prompts.get("document") or prompts.get("passage") or ""
        return cls(
            pooling=_checked_pooling(chosen.get("pooling") or _pooling(folder), ref),
            query_prefix=chosen.get("query_prefix", prompts.get("query") or ""),
            passage_prefix=chosen.get("passage_prefix", passage),
            max_tokens=_max_tokens(ref, folder, config),
            embedding_dim=_embedding_dim(ref, config),
        )


def _refuse_unknown_modules(folder: Path) -> None:
    modules: Any = _read(folder / "modules.json") or []
    types = {module["type"].rpartition(".")[2] for module in modules}
    if unknown := sorted(types - _KNOWN_MODULES):
        known = ", ".join(sorted(_KNOWN_MODULES))
        raise ConfigurationError(
            f"{folder}/modules.json: found {', '.join(unknown)}, expected only {known}"
        )


def _pooling(folder: Path) -> str:
    """As `1_Pooling` says; several flags would be several embeddings in one."""
    told = _read(folder / "1_Pooling/config.json")
    flags = [name for name, value in told.items() if name.startswith("pooling_mode_") and value]
    return "+".join(_POOLING_FLAGS.get(flag, flag) for flag in flags) or "mean"


def _checked_pooling(found: Any, ref: ModelRef) -> Pooling:
    if found not in get_args(Pooling):
        known = ", ".join(get_args(Pooling))
        raise ConfigurationError(f"{ref.source}: found pooling {found}, expected one of {known}")
    return cast("Pooling", found)


def _max_tokens(ref: ModelRef, folder: Path, config: Any) -> int:
    positions: int = config.max_position_embeddings
    if config.model_type in _COUNT_FROM_PADDING:
        positions -= config.pad_token_id + 1
    told = _read(folder / "sentence_bert_config.json").get("max_seq_length") or positions
    wanted = int(ref.parameters.get("max_tokens", min(told, positions)))
    if not 1 < wanted <= positions:
        raise ConfigurationError(
            f"{ref.source}: found max_tokens {wanted}, expected 2 to {positions}"
        )
    return wanted


def _embedding_dim(ref: ModelRef, config: Any) -> int | None:
    wanted: int | None = ref.parameters.get("embedding_dim")
    if wanted is not None and not 0 < wanted <= config.hidden_size:
        raise ConfigurationError(
            f"{ref.source}: found embedding_dim {wanted}, expected 1 to {config.hidden_size}"
        )
    return wanted


def _read(path: Path) -> Any:
    """A JSON file; empty if it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
