"""From a profile's line to a loaded model: safetensors only, no code from elsewhere, no network."""

import json
import tempfile
import threading
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from infra import profiles
from infra.snapshots import Snapshots
from schemas.errors import ConfigurationError
from schemas.stages import ModelRef
from workers.device import Device
from workers.models.refusals import refuse_code, refuse_parameters, refuse_pickles
from workers.models.roles import Model

ModelT = TypeVar("ModelT", bound=Model)

#: Class of each family, imported when first asked for.
FAMILIES = {
    "blip": "workers.models.blip:Blip",
    "git": "workers.models.blip:Blip",
    "florence2": "workers.models.florence2:Florence2",
    "smolvlm": "workers.models.smolvlm:SmolVlm",
    "qwen_vl": "workers.models.qwen_vl:QwenVl",
    "clap": "workers.models.clap:Clap",
    "moonshine": "workers.models.moonshine:Moonshine",
    "rapidocr": "workers.models.rapidocr:RapidOcr",
    "trocr": "workers.models.trocr:TrOcr",
    "got_ocr2": "workers.models.got_ocr2:GotOcr2",
    "tesseract": "workers.models.tesseract:Tesseract",
    "sentence": "workers.models.sentence:Sentence",
    "siglip": "workers.models.image_text:ImageText",
    "siglip2": "workers.models.image_text:ImageText",
    "clip": "workers.models.image_text:ImageText",
    "xclip": "workers.models.xclip:XClip",
    "whisper": "workers.models.whisper:Whisper",
}

#: Stages and search of one process share a model; it goes when the last of them lets go.
_loaded: WeakValueDictionary[str, Model] = WeakValueDictionary()
_loading = threading.Lock()
#: Where this process shows checkpoints from a hub.
_snapshots: Snapshots | None = None


def load_model(ref: ModelRef, device: Device, role: type[ModelT]) -> ModelT:
    """Load a model and warm it up, or return the one this process holds already.

    Raises:
        ConfigurationError: the family is unknown or has not the role, or its checkpoint is
            missing, incomplete or refused.
    """
    refuse_parameters(ref)
    family = _family(ref)
    if not issubclass(family, role):
        raise ConfigurationError(f"{ref.title}: family {ref.family} is no {role.__name__}")
    key = f"{ref.model_dump_json()} on {device.name}"
    with _loading:
        model = _loaded.get(key)
        if model is None:
            model = family(ref, device)
            model.warm_up()
            _loaded[key] = model
    assert isinstance(model, role)
    return model


def _family(ref: ModelRef) -> type[Model]:
    entry = FAMILIES.get(ref.family)
    if entry is None:
        known = ", ".join(FAMILIES)
        raise ConfigurationError(f"{ref.source}: unknown family {ref.family}; known: {known}")
    module, name = entry.split(":")
    family: type[Model] = getattr(import_module(module), name)
    return family


def checkpoint_folder(ref: ModelRef, *model_types: str) -> Path:
    """Find the checkpoint on this machine and check that it may be read.

    Args:
        ref: which checkpoint.
        model_types: what its config may say it is; empty where anything goes.

    Raises:
        ConfigurationError: nothing is there, it could run code, or is of another type.
    """
    folder = _find_folder(ref)
    if not (folder / "config.json").is_file():
        raise ConfigurationError(f"{ref.source}: no config.json in {folder}")
    refuse_code(folder)
    refuse_pickles(folder)
    found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if model_types and found not in model_types:
        wanted = " or ".join(model_types)
        raise ConfigurationError(
            f"{ref.source}: found a checkpoint of type {found},"
            f" family {ref.family} expects {wanted}"
        )
    return folder


def _find_folder(ref: ModelRef) -> Path:
    if ref.source.startswith("package:"):
        return package_folder(ref.source.removeprefix("package:")) / "model"
    if ref.source.startswith("checkpoint:"):
        return profiles.CHECKPOINTS_DIR / ref.source.removeprefix("checkpoint:")
    if (folder := profiles.find_local_folder(ref)) is not None:
        return folder
    return _hub_folder(ref)


def package_folder(package: str) -> Path:
    """Folder of an installed package, without importing it.

    Raises:
        ConfigurationError: it is not installed.
    """
    spec = find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(f"the package {package} is not installed; run `make setup`")
    return Path(next(iter(spec.submodule_search_locations)))


def use_snapshots(snapshots: Snapshots) -> None:
    """Keep views of checkpoints from a hub, and the memory of their checksums, in one place."""
    global _snapshots  # noqa: PLW0603  set once, by the composition root
    _snapshots = snapshots


def _hub_folder(ref: ModelRef) -> Path:
    """The locked files of a checkpoint, verified, and nothing else."""
    if not ref.files:
        raise ConfigurationError(
            f"{ref.source} at {ref.revision} is not locked; run `sluice models pull`"
        )
    snapshots = _snapshots or Snapshots(Path(tempfile.mkdtemp(prefix="sluice-models-")))
    return snapshots.open(ref.source, ref.revision, ref.files)


def load_weights(architecture: Any, folder: Path, device: Device) -> Any:
    """Read a transformers model onto the device, ready to infer.

    Attention runs through PyTorch's fused kernels (SDPA) where the architecture can.

    Raises:
        ConfigurationError: weights that the architecture needs are missing or of another shape.
    """
    quiet_transformers()
    try:
        model, loaded = _read_weights(architecture, folder, device, "sdpa")
    except ValueError as exc:
        if "scaled_dot_product_attention" not in str(exc):
            raise
        model, loaded = _read_weights(architecture, folder, device, "eager")
    lacking = sorted({*loaded["missing_keys"], *(key for key, *_ in loaded["mismatched_keys"])})
    if lacking:
        raise ConfigurationError(
            f"{folder}: {len(lacking)} weights of {type(model).__name__} are missing or of another"
            f" shape, the first is {lacking[0]}"
        )
    return model.to(device.name).eval()


def _read_weights(architecture: Any, folder: Path, device: Device, attention: str) -> Any:
    """The model and what became of its weights; the checkpoint has no say in any of this."""
    return architecture.from_pretrained(
        folder,
        dtype=device.dtype,
        attn_implementation=attention,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )


def quiet_transformers() -> None:
    """Hold back progress bars, and warnings of the library about defaults of its own."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
