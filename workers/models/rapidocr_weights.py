"""Which weights RapidOCR runs on, and where they are: never downloaded here."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra import profiles
from schemas.errors import ConfigurationError
from schemas.stages import ModelRef
from workers.models.loading import package_folder

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: Recognisers that are no part of the package lie here, or in the profile's own folder.
RECOGNIZERS_DIR = "rapidocr"
#: What the package's own recogniser is for, by RapidOCR's name; it reads most Latin scripts too.
DEFAULT_LANGUAGE = "ch"
#: Read from right to left.
RIGHT_TO_LEFT = frozenset({"arabic", "ar"})

#: The weights in the package, by the part of the engine that uses them.
_WEIGHTS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
}


def open_sessions(ref: ModelRef, n_threads: int) -> dict[str, "InferenceSession"]:
    """Open the weights of each part of the engine; sessions serve any number of threads.

    Args:
        ref: `package:rapidocr` or a folder of ONNX files; `language` is one of RapidOCR's,
            `recognizer` the path of an ONNX file with its characters inside.
        n_threads: of one call.

    Raises:
        ConfigurationError: weights are not there or are not what RapidOCR publishes, or the
            language is unknown.
    """
    package = package_folder("rapidocr") / "models"
    own = profiles.find_local_folder(ref) or package
    paths = {part: _first(name, own, package) for part, name in _WEIGHTS.items()}
    if recognizer := ref.parameters.get("recognizer"):
        paths["Rec"] = Path(recognizer)
    elif not reads_by_default(language := language_of(ref)):
        paths["Rec"] = _find_recognizer(language, own)
    return {part: _open(path, n_threads) for part, path in paths.items()}


def language_of(ref: ModelRef) -> str:
    """RapidOCR's name of the language to read."""
    return str(ref.parameters.get("language", DEFAULT_LANGUAGE)).lower()


def reads_by_default(language: str) -> bool:
    """Whether the package's own recogniser knows the language."""
    from rapidocr import RapidOCR

    known: list[str] = RapidOCR.list_supported_langs("rec", "PP-OCRv6", "small")  # type: ignore[no-untyped-call]
    return language in known


def _find_recognizer(language: str, folder: Path) -> Path:
    name, url, sha256 = _published(language)
    places = (folder, profiles.CHECKPOINTS_DIR / RECOGNIZERS_DIR)
    path = next((p / name for p in places if (p / name).is_file()), None)
    if path is None:
        raise ConfigurationError(
            f"ocr language {language}: no {name} in {places[1]}; download {url} into it"
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ConfigurationError(f"{path}: found sha256 {found}, RapidOCR publishes {sha256}")
    return path


def _published(language: str) -> tuple[str, str, str]:
    """File name, address and sha256 of a language's recogniser, as the package lists them."""
    from rapidocr.utils.model_resolver import route_to_model_key
    from rapidocr.utils.typings import ModelType, OCRVersion, TaskType

    try:
        key = route_to_model_key(TaskType.REC, OCRVersion.PPOCRV5, language, ModelType.MOBILE)
    except ValueError as exc:
        raise ConfigurationError(f"ocr language {language}: {exc}") from exc
    listed = _listed()[f"{key}.onnx"]
    return f"{key}.onnx", listed["model_dir"], listed["SHA256"]


def _listed() -> dict[str, Any]:
    """Entries of the package's list of ONNX recognisers of PP-OCRv5, by file name."""
    from omegaconf import OmegaConf

    path = package_folder("rapidocr") / "default_models.yaml"
    entries: Any = OmegaConf.to_container(OmegaConf.load(path))
    recognizers: dict[str, Any] = entries["onnxruntime"]["PP-OCRv5"]["rec"]
    return {f"{key}.onnx": entry for key, entry in recognizers.items()}


def _first(name: str, *folders: Path) -> Path:
    return next((f / name for f in folders if (f / name).is_file()), folders[-1] / name)


def _open(path: Path, n_threads: int) -> "InferenceSession":
    """Open weights for the CPU.

    Idle threads sleep: spinning ones take a third of the speed as soon as a core is shared.
    """
    from onnxruntime import InferenceSession, SessionOptions

    if not path.is_file():
        raise ConfigurationError(f"{path}: not there; run `make setup`")
    options = SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
