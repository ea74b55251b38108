import hashlib
import shutil

import pytest

from infra import profiles
from schemas.errors import ConfigurationError
from schemas.stages import ModelRef
from workers.models import rapidocr_weights
from workers.models.loading import package_folder
from workers.models.rapidocr_weights import language_of, open_sessions, reads_by_default

PACKAGE = package_folder("rapidocr") / "models"


def ref(source="package:rapidocr", **parameters):
    return ModelRef(source=source, revision="1", family="rapidocr", parameters=parameters)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Where recognisers of other languages lie."""
    monkeypatch.setattr(profiles, "CHECKPOINTS_DIR", tmp_path)
    folder = tmp_path / "rapidocr"
    folder.mkdir()
    return folder


def test_package_brings_a_recogniser_of_many_languages():
    assert language_of(ref()) == "ch"
    assert [name for name in ("ch", "en", "de", "vi", "korean") if reads_by_default(name)] == [
        "ch",
        "en",
        "de",
        "vi",
    ]


def test_absent_recogniser_is_told_with_its_address(elsewhere):
    with pytest.raises(
        ConfigurationError, match=r"no korean_PP-OCRv5_rec_mobile\.onnx in .* https://.*korean"
    ):
        open_sessions(ref(language="korean"), 1)


def test_language_that_nobody_reads_is_told_with_those_that_are(elsewhere):
    with pytest.raises(ConfigurationError, match=r"klingon.*Supported languages: .*arabic"):
        open_sessions(ref(language="klingon"), 1)


def test_recogniser_of_a_language_is_checked_and_opened(elsewhere, monkeypatch):
    path = elsewhere / "korean_PP-OCRv5_rec_mobile.onnx"
    shutil.copy(PACKAGE / "PP-OCRv6_rec_small.onnx", path)
    with pytest.raises(ConfigurationError, match=r"found sha256 .*, RapidOCR publishes cd6e2ea5"):
        open_sessions(ref(language="korean"), 1)
    listed = {path.name: {"model_dir": "", "SHA256": hashlib.sha256(path.read_bytes()).hexdigest()}}
    monkeypatch.setattr(rapidocr_weights, "_listed", lambda: listed)

    assert set(open_sessions(ref(language="korean"), 1)) == {"Det", "Cls", "Rec"}


def test_recogniser_may_be_given_by_path(tmp_path):
    with pytest.raises(ConfigurationError, match=r"mine\.onnx: not there"):
        open_sessions(ref(recognizer=str(tmp_path / "mine.onnx")), 1)


def test_weights_may_lie_in_a_folder(tmp_path):
    for path in PACKAGE.glob("*.onnx"):
        (tmp_path / path.name).symlink_to(path)

    assert set(open_sessions(ref(str(tmp_path)), 1)) == {"Det", "Cls", "Rec"}
