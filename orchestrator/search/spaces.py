"""What a query asks of which vector space, and how much each answer counts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from infra.vectors.store import DENSE, SPARSE, Dense, Space, Sparse
from schemas.search import Query
from schemas.stages import SPACES, ModelRef

TEXT, VISUAL, AUDIO = "text", "visual", "audio"

#: Cosine of the text space below which meaning alone is no answer; words in common still count.
#: Measured with all-MiniLM-L6-v2 on 481 passages: the best of them for gibberish has 0.24 to 0.28,
#: two captions of one picture 0.31 to 0.8, one-word questions with an answer 0.33 to 0.49.
TEXT_FLOOR = 0.3
#: The same for texts and images or sounds, in standard deviations above what does not belong.
FLOOR_STD = 3.0

#: One ranked list: the space, and which of its vectors was compared.
ListName = tuple[str, str]


class QueryEncoder(Protocol):
    """Puts what the user gave into the spaces that the stages fill. Safe to share by threads."""

    def encode_text(self, space: str, text: str) -> Dense:
        """The text in one space, by that space's own model; unit length."""

    def encode_sparse(self, text: str) -> Sparse | None:
        """The words of a question for BM25; None if none of them says anything."""

    def encode_image(self, data: bytes) -> Dense:
        """An image file of unknown origin in the visual space; unit length.

        Raises:
            PermanentError: the bytes are no image that can be read.
        """

    def encode_audio(self, data: bytes) -> Sequence[Dense]:
        """Windows of an audio file of unknown origin in the audio space, each of unit length.

        Raises:
            PermanentError: the bytes are no audio that can be read.
        """


class Probe(NamedTuple):
    """One vector to look up; all of one name make one ranked list."""

    space: Space
    vector: Dense | Sparse
    #: What scores less is no answer.
    floor: float = -math.inf

    @property
    def name(self) -> ListName:
        """Name of the list."""
        return self.space.name, SPARSE if isinstance(self.vector, Sparse) else DENSE


def space_weights(query: Query, models: Mapping[str, ModelRef]) -> dict[str, float]:
    """The spaces to ask and their weights.

    Text asks all spaces. An image takes the visual space over, a sound the audio space; beside
    an image, text counts `1 - weight_image` in the others. A space whose model has random
    weights says nothing about words or likeness, so it is asked only if no other space is:
    even then equal images and equal sounds find each other.
    """
    weights: dict[str, float] = {}
    if has_text(query):
        text_weight = 1.0 if query.image is None else 1.0 - query.weight_image
        weights = dict.fromkeys(SPACES, text_weight)
    if query.image is not None:
        weights[VISUAL] = 1.0
    if query.audio is not None:
        weights[AUDIO] = 1.0
    asked = {s: w for s, w in weights.items() if w > 0 and _may_answer(s, query.filter.stage)}
    trusted = {s: w for s, w in asked.items() if not models[SPACES[s].name].random_weights}
    return trusted or asked


def has_text(query: Query) -> bool:
    """Whether the query says anything in words."""
    return bool(query.text and query.text.strip())


def probes(
    query: Query, space: Space, encoder: QueryEncoder, models: Mapping[str, ModelRef]
) -> Iterator[Probe]:
    """The vectors that a query means in one of the spaces it asks."""
    text = query.text or ""
    if space.name == VISUAL and query.image is not None:
        yield Probe(space, _image_and_text(query, query.image, encoder))
    elif space.name == AUDIO and query.audio is not None:
        yield from (Probe(space, window) for window in encoder.encode_audio(query.audio))
    else:
        floor = _floor(space.name, models[SPACES[space.name].name])
        yield Probe(space, encoder.encode_text(space.name, text), floor)
        sparse = encoder.encode_sparse(text) if space.has_sparse else None
        if sparse is not None:
            yield Probe(space, sparse)


def _floor(space: str, model: ModelRef) -> float:
    """Cosine with a text below which a point has nothing to do with it."""
    if space == TEXT:
        return TEXT_FLOOR
    background = model.background
    return background.mean + FLOOR_STD * background.std if background else -math.inf


def _may_answer(space: str, stage: str | None) -> bool:
    """Whether the space holds anything of the stage that the filter asks for."""
    spec = SPACES[space]
    return stage is None or stage == spec.name or stage in spec.reads


def _image_and_text(query: Query, image: bytes, encoder: QueryEncoder) -> Dense:
    weight = query.weight_image if has_text(query) else 1.0
    if weight == 0.0:
        return encoder.encode_text(VISUAL, query.text or "")
    seen = encoder.encode_image(image)
    if weight == 1.0:
        return seen
    mixed = weight * seen + (1.0 - weight) * encoder.encode_text(VISUAL, query.text or "")
    # Opposite vectors of equal weight cancel out; then the image decides.
    length = float(np.linalg.norm(mixed))
    return (mixed / length).astype(np.float32) if length > 0 else seen
