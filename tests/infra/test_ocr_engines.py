import pytest

from infra import profiles
from infra.ocr_engines import choose_ocr
from infra.settings import load_settings
from schemas.errors import ConfigurationError
from schemas.stages import STAGES, ModelRef

MODELS = {
    "ocr": ModelRef(source="mine", revision="1", family="trocr", parameters={"max_tokens": 9}),
    "caption": ModelRef(source="other", revision="1", family="blip"),
}


def test_profile_keeps_its_reader_unless_told_otherwise():
    assert choose_ocr(MODELS, "", "") == MODELS


def test_engine_replaces_the_reader_and_nothing_else(monkeypatch):
    monkeypatch.setattr(profiles, "_binary_version", lambda name: f"{name} 5")
    chosen = choose_ocr(MODELS, "tesseract", "deu+eng")

    assert chosen["caption"] == MODELS["caption"]
    assert chosen["ocr"] == ModelRef(
        source="binary:tesseract",
        revision="tesseract 5",
        family="tesseract",
        parameters={"language": "deu+eng"},
    )


def test_language_alone_goes_to_the_profiles_reader():
    assert choose_ocr(MODELS, "", "korean")["ocr"].parameters == {
        "max_tokens": 9,
        "language": "korean",
    }


def test_unknown_engine_is_told_with_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"SLUICE_OCR=abbyy: .*rapidocr, tesseract"):
        choose_ocr(MODELS, "abbyy", "")


def test_settings_name_engine_and_language(tmp_path, clean_environment):
    path = tmp_path / "packages.toml"
    tables = [
        f'[{spec.name}]\nsource = "package:pydantic"\nfamily = "fake"\n'
        for spec in STAGES.values()
        if spec.needs_model
    ]
    path.write_text("\n".join(tables))

    settings = load_settings(home=tmp_path, models=str(path), ocr="rapidocr", ocr_language="arabic")

    chosen = settings.model_refs["ocr"]
    assert (chosen.source, chosen.parameters) == ("package:rapidocr", {"language": "arabic"})
