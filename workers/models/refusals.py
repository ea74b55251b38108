"""What is refused before a checkpoint is read: everything that could run code of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError
from schemas.stages import ModelRef

#: Keys, at any depth of a checkpoint's JSON files, that name code beside the weights.
_CODE_KEYS = ("auto_map", "custom_pipelines", "trust_remote_code")
#: Large files that hold words and names of tensors only.
_VOCABULARIES = ("tokenizer.json", "vocab.json", "added_tokens.json")
#: Weights in formats that run code when they are read; beside safetensors they are left alone.
_PICKLED_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt")
#: Everything else that is pickled has no use but to be read.
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill")
#: First byte of a pickle of protocol 2 or later; the protocol follows.
_PICKLE_MARK, _PROTOCOLS = 0x80, range(2, 6)


def refuse_parameters(ref: ModelRef) -> None:
    """Refuse a profile that asks for code of the checkpoint's own.

    Raises:
        ConfigurationError: `trust_remote_code` stands anywhere in the parameters.
    """
    if next(_code_keys(ref.parameters), None):
        raise ConfigurationError(
            f"{ref.source}: a profile must not set trust_remote_code; only families of this"
            " project run, and no code that comes with a checkpoint"
        )


def refuse_code(folder: Path) -> None:
    """Refuse a checkpoint that brings its own code.

    Raises:
        ConfigurationError: one of its JSON files names code, or is not JSON.
    """
    for path in sorted(folder.rglob("*.json")):
        if path.name in _VOCABULARIES or path.name.endswith(".index.json"):
            continue
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as exc:
            raise ConfigurationError(f"{path}: expected JSON: {exc}") from exc
        if key := next(_code_keys(config), None):
            raise ConfigurationError(f"{path}: the checkpoint wants to run its own code ({key})")


def _code_keys(value: Any) -> Iterator[str]:
    """Keys that name code, wherever in the value; empty ones name none."""
    if isinstance(value, dict):
        yield from (key for key in _CODE_KEYS if value.get(key))
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _code_keys(inner)


def refuse_pickles(folder: Path) -> None:
    """Refuse weights that are not safetensors, and pickles of any other kind.

    Raises:
        ConfigurationError: with what was found instead.
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    for path in (p for p in files if p.suffix not in _PICKLED_WEIGHTS):
        if path.suffix in _PICKLES or _is_pickled(path):
            raise ConfigurationError(f"{path}: found a pickle, which runs code when it is read")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = [p.name for p in files if p.parent == folder and p.suffix in _PICKLED_WEIGHTS]
        found = f"found only {', '.join(pickles)}" if pickles else "found no weights"
        raise ConfigurationError(f"{folder}: weights must be safetensors; {found}")
    for path in weights:
        _check_header(path)


def _is_pickled(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return len(start) > 1 and start[0] == _PICKLE_MARK and start[1] in _PROTOCOLS


def _check_header(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return
    except SafetensorError as exc:
        raise ConfigurationError(f"{path}: expected safetensors: {exc}") from exc
