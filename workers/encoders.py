"""Puts queries into the spaces that the stages fill, with the same models and the same steps.

An image or sound of a query is as untrusted as an object: it takes the same way through the
sandbox, so that equal bytes give equal vectors.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np

from infra.sandbox import Sandbox
from infra.settings import MediaLimits
from infra.vectors.store import Sparse
from schemas.asset import ArtifactKind
from schemas.errors import UnreadableMedia, UnsupportedMedia
from schemas.stages import SPACES, ModelRef
from workers.device import Device
from workers.media.image_tar import read_images
from workers.media.read import read_object
from workers.models.bm25 import sparse_query
from workers.models.loading import load_model
from workers.models.roles import AudioEncoder, ImageEncoder, Model, Samples, TextEncoder
from workers.samples import AudioSamples
from workers.stage import ArtifactFile, Embedding
from workers.stages.embed_audio import MIN_PEAK, WINDOW_S

ModelT = TypeVar("ModelT", bound=Model)

#: Longest that one query may be decoded.
WALL_S = 60.0
#: How much of a sound counts: six of its stage's windows.
MAX_SOUND_S = 60.0
#: Neutral name of a query's bytes.
_OBJECT = "object"


class Encoders:
    """The query side of the embedding models; safe to share between threads.

    A model is loaded when the first query needs it, and kept.
    """

    def __init__(
        self,
        models: Mapping[str, ModelRef],
        device: Device,
        sandbox: Sandbox,
        limits: MediaLimits,
    ) -> None:
        """Take what it works with.

        Args:
            models: the model of each stage.
            device: where models run.
            sandbox: decodes images and sounds.
            limits: what is refused.
        """
        self._models = models
        self._device = device
        self._sandbox = sandbox
        self._limits = limits
        self._loaded: dict[str, Model] = {}
        self._loading = threading.Lock()
        #: One query at a time computes.
        self._computing = threading.Lock()

    def encode_text(self, space: str, text: str) -> Embedding:
        """The text in one space; text beyond the model's length is ignored."""
        model = self._model(space, TextEncoder)
        with self._computing:
            vector: Embedding = model.embed_texts([text])[0]
        return vector

    def encode_sparse(self, text: str) -> Sparse | None:
        """The words of a question for BM25; None if it has none."""
        language = self._models[SPACES["text"].name].parameters.get("language")
        terms = sparse_query(text, language)
        return Sparse(*terms) if terms else None

    def encode_image(self, data: bytes) -> Embedding:
        """An image file in the visual space.

        Raises:
            PermanentError: the bytes are no image, or one that is broken or too large.
            SandboxCrashed: decoding them ended the child.
        """
        model = self._model("visual", ImageEncoder)
        with self._prepared(data, "image", ArtifactKind.VIEW) as view:
            _, jpeg = next(read_images(view.path, view.images))
            pixels = model.read_pixels(jpeg)
        with self._computing:
            vector: Embedding = model.embed_images([pixels])[0]
        return vector

    def encode_audio(self, data: bytes) -> Sequence[Embedding]:
        """The windows of a sound's first minute in the audio space.

        Not their mean: what lies between different sounds is likest to what is none of them.

        Raises:
            PermanentError: the bytes hold no sound, or are broken or too large.
            SandboxCrashed: decoding them ended the child.
        """
        model = self._model("audio", AudioEncoder)
        with self._prepared(data, "audio", ArtifactKind.AUDIO) as part:
            features = [model.extract_features(heard) for heard in _windows(part)]
        if not features:
            raise UnreadableMedia("query audio: found only silence in the first minute")
        with self._computing:
            return [*model.embed_audio(features)]

    @contextmanager
    def _prepared(self, data: bytes, wanted: str, kind: ArtifactKind) -> Iterator[ArtifactFile]:
        """The first artifact of a kind that `prepare` would write; gone afterwards."""
        with TemporaryDirectory(prefix="sluice-query-") as folder:
            scratch = Path(folder, "scratch")
            scratch.mkdir()
            Path(scratch, _OBJECT).write_bytes(data)
            name = f"query {wanted}"
            args = (Path(_OBJECT), name, Path(), self._limits)
            prepared = self._sandbox.run(read_object, *args, scratch=scratch, wall_s=WALL_S)
            artifact = next((a for a in prepared.artifacts if a.kind is kind), None)
            if artifact is None:
                found = prepared.facts.mime_type
                raise UnsupportedMedia(f"{name}: found {found}, expected {wanted}")
            yield replace(artifact, path=scratch / artifact.path.name)

    def _model(self, space: str, role: type[ModelT]) -> ModelT:
        stage = SPACES[space].name
        with self._loading:
            if stage not in self._loaded:
                self._loaded[stage] = load_model(self._models[stage], self._device, role)
            model = self._loaded[stage]
        assert isinstance(model, role)
        return model


def _windows(part: ArtifactFile) -> Iterator[Samples]:
    """The windows that `embed_audio` would embed."""
    assert part.audio is not None
    end_s = min(part.audio.duration_s, MAX_SOUND_S)
    with AudioSamples(part.path) as samples:
        for start_s in np.arange(0.0, end_s, WINDOW_S).tolist():
            heard = samples.read(start_s, min(start_s + WINDOW_S, part.audio.duration_s))
            if len(heard) and np.abs(heard).max() >= MIN_PEAK:
                yield heard
