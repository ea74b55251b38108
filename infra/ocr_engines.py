"""Which engine reads text in images: a setting that wins over the profile."""

from collections.abc import Mapping
from typing import Any

from infra.profiles import resolve_model
from schemas.errors import ConfigurationError
from schemas.stages import ModelRef

#: Engines that need nothing but their name; readers that are models come from a profile.
ENGINES: dict[str, dict[str, Any]] = {
    "rapidocr": {"source": "package:rapidocr", "family": "rapidocr"},
    "tesseract": {"source": "binary:tesseract", "family": "tesseract"},
}


def choose_ocr(models: Mapping[str, ModelRef], engine: str, language: str) -> dict[str, ModelRef]:
    """Put the chosen engine and language into a profile's models.

    Args:
        models: the model of each stage.
        engine: a name in `ENGINES`; empty keeps the profile's.
        language: in the engine's own words; empty keeps what is there.

    Raises:
        ConfigurationError: no such engine, or it is not on this machine.
    """
    if engine and engine not in ENGINES:
        raise ConfigurationError(
            f"SLUICE_OCR={engine}: no such engine; known: {', '.join(ENGINES)};"
            " readers that are models come from a profile"
        )
    reader = resolve_model(f"SLUICE_OCR={engine}", ENGINES[engine]) if engine else models["ocr"]
    if language:
        parameters = {**reader.parameters, "language": language}
        reader = reader.model_copy(update={"parameters": parameters})
    return {**models, "ocr": reader}
