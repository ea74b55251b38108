"""Whether a caption is about its image: how alike they are, beside pairs that do not belong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.stages import Background, ModelRef
from workers.device import Device
from workers.models.loading import load_model
from workers.models.roles import ImageEncoder, Pixels

#: A caption that one in twenty captions of other images would beat is not about its image.
MIN_GROUNDING = 0.95


@dataclass(frozen=True)
class Judge:
    """The visual space's model, looking at captions."""

    encoder: ImageEncoder
    background: Background

    def score(self, images: Sequence[Pixels], captions: Sequence[str]) -> list[float]:
        """One grounding score per caption of the image beside it.

        CLIPScore (Hessel et al. 2021, https://arxiv.org/abs/2104.08718) is the cosine itself;
        each model has its own scale, so it is told as a share of mismatched pairs instead.

        Returns:
            Values in [0, 1]: the share of mismatched pairs that are less alike.
        """
        pairs = zip(
            self.encoder.embed_images(images), self.encoder.embed_texts(captions), strict=True
        )
        return [share_below(float(image @ text), self.background) for image, text in pairs]


def share_below(cosine: float, background: Background) -> float:
    """Share of the background below a cosine, taken as normally distributed."""
    return 0.5 * (1.0 + math.erf((cosine - background.mean) / (background.std * math.sqrt(2.0))))


def load_judge(model: ModelRef | None, device: Device) -> Judge | None:
    """Load the judge; None where the model is untrained or nobody measured its background."""
    if model is None or model.random_weights or model.background is None:
        return None
    return Judge(load_model(model, device, ImageEncoder), model.background)
