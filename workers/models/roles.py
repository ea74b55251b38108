"""What models can do: stages and search ask for a role, the profile names a family that has it.

A model is loaded when it is built and its memory is freed when its last holder lets go of it.
Methods that prepare input run on any thread; the others belong to whoever holds the device.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schemas.segment import Box
from schemas.stages import ModelRef
from workers.device import Device

if TYPE_CHECKING:
    from PIL.Image import Image

#: float32, shape (n, embedding_dim), each row of unit length.
Embeddings = NDArray[np.float32]
#: uint8 RGB, shape (height, width, 3), at the size the model sees.
Pixels = NDArray[np.uint8]
#: float32 mono PCM in [-1, 1], shape (n_samples,), 16 kHz.
Samples = NDArray[np.float32]
#: float32 log-mel features of one window, in the family's own shape.
Features = NDArray[np.float32]

#: Of all samples that stages read and models take.
SAMPLING_RATE = 16_000


class Model:
    """A loaded model."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        self.ref = ref
        self.device = device

    def warm_up(self) -> None:
        """Run once on next to nothing, so that the first batch does not pay for lazy set-up.

        Kernels are chosen, memory pools filled and libraries loaded by the first call only;
        `load_model` calls this once, before anybody sees the model.
        """


class TextEncoder(Model):
    """Puts text into its space."""

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """One embedding per text; text beyond the model's length is ignored."""
        raise NotImplementedError


class PassageEncoder(TextEncoder):
    """Puts passages and questions into one space."""

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a passage with prefix and the model's own marks, cut to its length."""
        raise NotImplementedError

    def count_tokens(self, text: str) -> int:
        """Word pieces of a text of any length, without prefix and marks."""
        raise NotImplementedError

    def embed_tokens(self, batch: Sequence[list[int]]) -> Embeddings:
        """One embedding per tokenized text; `embed_texts` is for questions."""
        raise NotImplementedError


class ImageEncoder(TextEncoder):
    """Puts images and texts into one space."""

    def read_pixels(self, source: "bytes | Image") -> Pixels:
        """Decode and scale an encoded image in one pass, or scale a decoded one.

        Raises:
            UnreadableMedia: the bytes are no image.
        """
        raise NotImplementedError

    def embed_images(self, images: Sequence[Pixels]) -> Embeddings:
        """One embedding per image."""
        raise NotImplementedError


class ClipEncoder(ImageEncoder):
    """Puts short clips into the space as well: a few frames in order make one embedding."""

    #: Frames of one clip.
    n_frames: int

    def embed_clips(self, clips: Sequence[Sequence[Pixels]]) -> Embeddings:
        """One embedding per clip; each has `n_frames` frames."""
        raise NotImplementedError


class AudioEncoder(TextEncoder):
    """Puts sounds and texts into one space."""

    def extract_features(self, samples: Samples) -> Features:
        """Features of one window of at most ten seconds."""
        raise NotImplementedError

    def embed_audio(self, windows: Sequence[Features]) -> Embeddings:
        """One embedding per window."""
        raise NotImplementedError


@dataclass(frozen=True)
class CaptionText:
    """A sentence about an image."""

    text: str
    #: Geometric mean of the token probabilities, 0 to 1.
    confidence: float


class Captioner(Model):
    """Says what an image shows.

    A prompt, where a family takes one, comes from the profile: nothing that was read in an image
    is ever part of it, so that words on a sign cannot steer what is said about them.
    """

    def read_pixels(self, source: "bytes | Image") -> Any:
        """As `ImageEncoder.read_pixels`, in the family's own shape."""
        raise NotImplementedError

    def caption(self, images: Sequence[Any]) -> list[CaptionText]:
        """One caption per image."""
        raise NotImplementedError


@dataclass(frozen=True)
class Certainty:
    """How far to believe what a model heard in one pass over a window."""

    #: Mean log probability of the text tokens and the end token.
    avg_logprob: float
    #: Probability that nobody speaks, 0 to 1; 0 from families that do not say.
    no_speech_prob: float = 0.0
    #: How many times shorter the text is when compressed.
    compression_ratio: float = 0.0
    #: That the tokens were drawn at; 0 where the most probable ones were taken.
    temperature: float = 0.0
    #: Why the text should not be believed: `repetition`, `no_speech`, `unsure`.
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Word:
    """A word and when it is said; seconds from the start of its window."""

    text: str
    start_s: float
    end_s: float

    def later(self, by_s: float) -> "Word":
        """The same word, so much later."""
        return replace(self, start_s=self.start_s + by_s, end_s=self.end_s + by_s)


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """A stretch of speech; seconds from the start of its window."""

    start_s: float
    end_s: float
    text: str
    #: BCP 47 code; None if the model knows one language only and does not say which.
    language: str | None
    #: Of the pass that heard it.
    certainty: Certainty
    #: Empty from families that do not say when words are said.
    words: tuple[Word, ...] = ()

    def later(self, by_s: float) -> "Utterance":
        """The same utterance, so much later."""
        return replace(
            self,
            start_s=self.start_s + by_s,
            end_s=self.end_s + by_s,
            words=tuple(word.later(by_s) for word in self.words),
        )


@dataclass(frozen=True)
class Transcript:
    """What was said in one window, in order."""

    utterances: tuple[Utterance, ...]
    #: Probability that nobody speaks, 0 to 1; 0 from families that do not say.
    no_speech_prob: float = 0.0


class Transcriber(Model):
    """Writes down what is said."""

    #: Longest window in seconds.
    window_s: float
    #: Longest silence that may be left out within a window. A family that does not say when
    #: things are said allows none: its times are those of the window.
    max_gap_s: float = 10.0

    def extract_features(self, samples: Samples) -> Any:
        """What `transcribe` takes of one window of at most `window_s`."""
        raise NotImplementedError

    def transcribe(self, windows: Sequence[Any]) -> list[Transcript]:
        """One transcript per window, the same in any company."""
        raise NotImplementedError


@dataclass(frozen=True)
class TextLine:
    """One line of text in an image."""

    box: Box
    text: str
    #: 0 to 1.
    confidence: float


class TextReader(Model):
    """Reads the text in an image."""

    def decode(self, source: bytes) -> Any:
        """Decode an encoded image into what `read_lines` takes.

        Raises:
            UnreadableMedia: the bytes are no image.
        """
        raise NotImplementedError

    def read_lines(self, image: Any) -> list[TextLine]:
        """The lines of an image, in no particular order."""
        raise NotImplementedError
