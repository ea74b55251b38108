"""Prompts of vision-language models that chat: the checkpoint's own template around one image."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import ConfigurationError
from workers.device import Device

if TYPE_CHECKING:
    import torch

#: What is asked of an image unless the profile says otherwise.
PROMPT = (
    "Describe what this picture shows in one or two plain sentences: the main things, what they"
    " are doing, and where they are. Say only what can be seen."
)
#: Enough for the sentences that the prompt asks for.
MAX_TOKENS = 96


class ChatPrompt:
    """One question about one image; safe to share between threads."""

    def __init__(self, folder: Path, prompt: str, image_token: str) -> None:
        """Fill the checkpoint's template.

        Args:
            folder: where the tokenizer and the template are.
            prompt: what is asked, from the profile and from nowhere else.
            image_token: marks the place of the image; the model wants several in its place.

        Raises:
            ConfigurationError: there is no template, or it leaves the image out.
        """
        from transformers import AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        self._tokenizer = tokenizer
        self._image_token = image_token
        question: Any = [{"type": "image"}, {"type": "text", "text": prompt}]
        self._text: str = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": question}],
            chat_template=_find_template(folder, self._tokenizer),
            add_generation_prompt=True,
            tokenize=False,
        )
        if self._text.count(image_token) != 1:
            n_found = self._text.count(image_token)
            raise ConfigurationError(
                f"{folder}: the chat template made {n_found} places for an image, expected 1"
            )
        # Templates that write the first mark themselves must not get another one.
        start = self._tokenizer.bos_token
        self._add_marks = not (start and self._text.startswith(start))
        self._lock = threading.Lock()

    def batch(self, images: Sequence[str], device: Device) -> "dict[str, torch.Tensor]":
        """The model's inputs for some images, padded on the left: speech goes on at the right.

        Args:
            images: what stands for each image, in image tokens.
            device: where the tensors go.
        """
        texts = [self._text.replace(self._image_token, image) for image in images]
        with self._lock:
            inputs: Any = self._tokenizer(
                texts,
                padding=True,
                padding_side="left",
                add_special_tokens=self._add_marks,
                return_token_type_ids=False,
                return_tensors="pt",
            )
        return dict(inputs.to(device.name))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids without special tokens."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text.strip()


def _find_template(folder: Path, tokenizer: Any) -> str:
    """The template of the tokenizer, or the one that older processors keep in a file of its own."""
    path = folder / "chat_template.json"
    if tokenizer.chat_template is None and path.is_file():
        found: str = json.loads(path.read_text(encoding="utf-8"))["chat_template"]
        return found
    if not isinstance(tokenizer.chat_template, str):
        raise ConfigurationError(f"{folder}: expected one chat template, found none or several")
    return tokenizer.chat_template
