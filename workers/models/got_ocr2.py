"""GOT-OCR 2 (Wei et al. 2024, https://arxiv.org/abs/2409.01704): reads a whole page at once.

It says what is written and not where: its lines come in the order it reads them, each with the
box of the whole page.
"""

from pathlib import Path
from typing import Any

from schemas.segment import Box
from schemas.stages import ModelRef
from workers.device import Device
from workers.models.generation import WARM_UP_TOKENS, Decoded, decode_greedily, end_ids
from workers.models.inference import inference
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.pixels import PixelFormat, blank_image, image_processor
from workers.models.roles import Pixels, TextLine, TextReader

#: Longest page in tokens; the model card's.
MAX_TOKENS = 4096
#: What ends an answer, besides the checkpoint's own end token.
_END_OF_TURN = "<|im_end|>"
#: Both convolutions behind the image encoder halve its grid of patches.
_PATCHES_PER_TOKEN_EDGE = 4
_WHOLE_PAGE = Box(0.0, 0.0, 1.0, 1.0)


class GotOcr2(TextReader):
    """GOT-OCR 2 checkpoints. Parameter: `max_tokens`."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModelForImageTextToText

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "got_ocr2")
        self._model = load_weights(AutoModelForImageTextToText, folder, device)
        self._max_tokens = int(ref.parameters.get("max_tokens", MAX_TOKENS))
        processor = _processor(folder)
        self._format = PixelFormat.of(processor.image_processor)
        self._tokenizer = processor.tokenizer
        self._prompt = self._tokenize_prompt(processor)
        end = self._tokenizer.convert_tokens_to_ids(_END_OF_TURN)
        self._ends = [*end_ids(self._model), end]

    def warm_up(self) -> None:
        self._read(self._format.read(blank_image()), WARM_UP_TOKENS)

    def decode(self, source: bytes) -> Pixels:
        """Decode and scale to what the model sees."""
        return self._format.read(source)

    def read_lines(self, image: Pixels) -> list[TextLine]:
        page = self._read(image, self._max_tokens)
        text: str = self._tokenizer.decode(page.ids, skip_special_tokens=True)
        lines = (line.strip() for line in text.split("\n"))
        return [TextLine(_WHOLE_PAGE, line, page.confidence) for line in lines if line]

    def _tokenize_prompt(self, processor: Any) -> Any:
        """The one question that is ever asked, with a place for each part of the image."""
        vision = self._model.config.vision_config
        edge = vision.image_size // vision.patch_size // _PATCHES_PER_TOKEN_EDGE
        asked = processor(blank_image(), num_image_tokens=edge**2, return_tensors="pt")
        return asked["input_ids"].to(self.device.name)

    def _read(self, image: Pixels, max_tokens: int) -> Decoded:
        with inference():
            (page,) = decode_greedily(
                self._model,
                max_tokens,
                self._ends,
                input_ids=self._prompt,
                attention_mask=self._prompt.new_ones(self._prompt.shape),
                pixel_values=self._format.batch([image], self.device),
                eos_token_id=self._ends,
            )
        said: Decoded = page
        return said


def _processor(folder: Path) -> Any:
    """The library's processor, with the image processor that needs no torchvision."""
    from transformers import AutoTokenizer, GotOcr2Processor

    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    return GotOcr2Processor(  # type: ignore[no-untyped-call]
        image_processor=image_processor(folder), tokenizer=tokenizer
    )
