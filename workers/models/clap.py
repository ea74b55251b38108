"""CLAP: sounds and texts in one space (Wu et al. 2023, https://arxiv.org/abs/2211.06687)."""

from collections.abc import Sequence

import numpy as np

from schemas.stages import ModelRef
from workers.device import Device
from workers.models.inference import inference, to_embeddings
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.roles import SAMPLING_RATE, AudioEncoder, Embeddings, Features, Samples
from workers.models.tokens import Tokenizer

#: RoBERTa counts positions from its padding index + 1.
_RESERVED_POSITIONS = 2


class Clap(AudioEncoder):
    """Checkpoints of LAION's layouts: `clap-htsat-unfused`, `clap-htsat-fused`, `larger_clap_*`.

    Fused ones take four views of a sound that is longer than ten seconds; windows never are, so
    all four are the same and the global one alone is used.
    """

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoFeatureExtractor, AutoModel

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "clap")
        self._model = load_weights(AutoModel, folder, device)
        self._extractor = AutoFeatureExtractor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False
        )
        positions = self._model.config.text_config.max_position_embeddings
        self._tokenizer = Tokenizer(folder, positions - _RESERVED_POSITIONS)

    def warm_up(self) -> None:
        self.embed_audio([self.extract_features(np.zeros(SAMPLING_RATE, np.float32))])
        self.embed_texts(["a"])

    def extract_features(self, samples: Samples) -> Features:
        rate = self._extractor.sampling_rate
        features: Features = self._extractor(
            resample(samples, SAMPLING_RATE, rate), sampling_rate=rate, return_tensors="np"
        ).input_features[0]
        return features.astype(np.float32)

    def embed_audio(self, windows: Sequence[Features]) -> Embeddings:
        import torch

        with inference():
            features = torch.from_numpy(np.stack(windows)).to(self.device.name, self.device.dtype)
            # No window is longer than the model's; the extractor would mark one at random.
            is_longer = torch.zeros((len(windows), 1), dtype=torch.bool, device=self.device.name)
            output = self._model.get_audio_features(features, is_longer=is_longer)
            return to_embeddings(output.pooler_output)

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        with inference():
            tokens = self._tokenizer.batch(texts, self.device)
            return to_embeddings(self._model.get_text_features(**tokens).pooler_output)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Raise the sampling rate of a short window by padding its spectrum.

    Exact for the band that the samples hold; the window is taken as periodic, which shows in a
    few samples at its ends only.
    """
    n_wanted = round(len(samples) * to_hz / from_hz)
    if n_wanted <= len(samples):
        return samples
    spectrum = np.fft.rfft(samples)
    raised = np.fft.irfft(spectrum, n_wanted) * (n_wanted / len(samples))
    return raised.astype(np.float32)
