"""Text on its way to a model."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.device import Device

if TYPE_CHECKING:
    import torch


class Tokenizer:
    """A checkpoint's tokenizer, for several threads.

    Padding and truncation are state inside the library's tokenizer, which refuses a second
    thread while one uses it; hence the lock.
    """

    def __init__(self, folder: Path, max_tokens: int) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        self._max_tokens = max_tokens
        self._lock = threading.Lock()

    def encode(self, text: str) -> list[int]:
        """Token ids with the model's own marks, cut to its length."""
        with self._lock:
            ids: list[int] = self._tokenizer(
                text, truncation=True, max_length=self._max_tokens
            ).input_ids
        return ids

    def count(self, text: str) -> int:
        """Tokens of a text of any length, without the model's own marks."""
        with self._lock:
            return len(self._tokenizer.tokenize(text))

    def batch(
        self, texts: Sequence[str], device: Device, *, padding: bool | str = True
    ) -> "dict[str, torch.Tensor]":
        """The model's inputs for some texts, padded to the longest or to `max_length`."""
        with self._lock:
            inputs: Any = self._tokenizer(
                list(texts),
                padding=padding,
                truncation=True,
                max_length=self._max_tokens,
                return_tensors="pt",
            )
        return dict(inputs.to(device.name))

    def pad(self, batch: Sequence[list[int]], device: Device) -> "dict[str, torch.Tensor]":
        """The model's inputs for token ids, padded to the longest."""
        inputs: Any = self._tokenizer.pad({"input_ids": list(batch)}, return_tensors="pt")
        return dict(inputs.to(device.name))

    def decode(self, ids: list[int]) -> str:
        """Text of token ids without special tokens."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text.strip()
