import json
from importlib.metadata import version
from pathlib import Path

import pytest

from infra import profiles
from infra.checksums import Checksums
from infra.profiles import (
    CARD_FILE,
    PROFILES_DIR,
    content_revision,
    find_local_folder,
    is_from_hub,
    read_profile,
    read_unpinned,
    resolve_model,
)
from schemas.errors import ConfigurationError
from schemas.lock import ModelLock
from schemas.stages import STAGES, Background, model_fingerprint
from tests.factories import make_model
from tests.schemas.test_lock import locked


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "CHECKPOINTS_DIR", tmp_path)
    return tmp_path


def replace_table(profile, stage, *lines):
    """Give one stage of a profile another table."""
    tables = profile.read_text().split("\n\n")
    kept = [table for table in tables if not table.strip().startswith(f"[{stage}]")]
    profile.write_text("\n\n".join([*kept, "\n".join([f"[{stage}]", *lines])]))
    return str(profile)


def test_profile_names_a_model_for_every_stage(profile):
    models = read_unpinned(str(profile))

    assert set(models) == {spec.name for spec in STAGES.values() if spec.needs_model}
    assert models["ocr"].source == "fake/ocr"


@pytest.mark.parametrize("path", sorted(PROFILES_DIR.glob("*.toml")), ids=lambda path: path.stem)
def test_packaged_profile_is_whole(path, checkpoints):
    for name in ("blip", "whisper", "siglip", "clap"):
        (checkpoints / name).mkdir()
        card = {"random_weights": True, "revision": "r"}
        (checkpoints / name / CARD_FILE).write_text(json.dumps(card))

    models = read_unpinned(path.stem)

    assert all(model.source and model.family and model.revision for model in models.values())


def test_unknown_profile_names_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"SLUICE_MODELS=tiny: .*demo"):
        read_unpinned("tiny")


def test_profile_without_a_stage_names_it(profile):
    profile.write_text(profile.read_text().replace("[ocr]", "[ocrr]"))

    with pytest.raises(ConfigurationError, match="no model for ocr"):
        read_unpinned(str(profile))


@pytest.mark.parametrize("content", [b"[ocr", b"\xff\xfe"])
def test_profile_that_is_not_toml_is_named(profile, content):
    profile.write_bytes(content)

    with pytest.raises(ConfigurationError, match=f"{profile}: not valid TOML"):
        read_unpinned(str(profile))


@pytest.mark.parametrize(
    "lines",
    [
        ['family = "fake"'],
        ['source = "fake/ocr"'],
        ['source = "fake/ocr"', 'family = "fake"', "parameters = 3"],
    ],
)
def test_model_that_is_described_wrongly_is_named(profile, lines):
    with pytest.raises(ConfigurationError, match=r"\[ocr\]: expected source, family"):
        read_unpinned(replace_table(profile, "ocr", *lines))


def test_stage_that_is_no_table_is_named(profile):
    text = profile.read_text().replace("[ocr]", "[other]")
    profile.write_text(f'ocr = "fake/ocr"\n{text}')

    with pytest.raises(ConfigurationError, match=r"\[ocr\]: expected source, family"):
        read_unpinned(str(profile))


def test_package_is_pinned_by_its_version(profile):
    name = replace_table(profile, "ocr", 'source = "package:pydantic"', 'family = "fake"')

    assert read_unpinned(name)["ocr"].revision == version("pydantic")


def test_package_that_is_not_installed_says_what_to_do(profile):
    name = replace_table(profile, "ocr", 'source = "package:no-such"', 'family = "fake"')

    with pytest.raises(ConfigurationError, match=r"no-such is not installed; run `make setup`"):
        read_unpinned(name)


def test_checkpoint_is_pinned_by_its_card(profile, checkpoints):
    (checkpoints / "eye").mkdir()
    background = {"mean": 0.1, "std": 0.2}
    card = {"random_weights": True, "revision": "abc", "background": background, "note": "a test's"}
    (checkpoints / "eye" / CARD_FILE).write_text(json.dumps(card))
    name = replace_table(profile, "ocr", 'source = "checkpoint:eye"', 'family = "fake"')

    model = read_unpinned(name)["ocr"]

    assert (model.revision, model.random_weights) == ("abc", True)
    assert model.background == Background.model_validate(background)


def test_checkpoint_that_is_not_there_says_what_to_do(profile, checkpoints):
    name = replace_table(profile, "ocr", 'source = "checkpoint:eye"', 'family = "fake"')

    with pytest.raises(ConfigurationError, match=r"eye: no checkpoint there; run `make setup`"):
        read_unpinned(name)


def test_model_from_a_hub_is_pinned_by_the_lock(profile):
    name = replace_table(profile, "ocr", 'source = "a/b"', 'family = "fake"')
    others = [locked(f"fake/{s}", "r1", "f" * 40) for s in STAGES]
    old = ModelLock(models=(locked("a/b", commit="0" * 40), *others))
    new = ModelLock(models=(locked("a/b", commit="1" * 40), *others))

    before, after = (read_profile(name, lock)["ocr"] for lock in (old, new))

    assert before.revision == "0" * 40
    assert set(before.files) == {"config.json"}
    assert model_fingerprint(before) != model_fingerprint(after)


def test_model_from_a_hub_that_is_not_locked_says_what_to_do(profile):
    with pytest.raises(
        ConfigurationError,
        match=f"fake/ocr at r1 is not locked; run `sluice models pull --profile {profile}`",
    ):
        read_profile(str(profile))


@pytest.mark.parametrize(
    ("source", "hub"),
    [
        *(("a/b", True), ("gpt2", True), ("package:x", False), ("checkpoint:x", False)),
        *(("/a/b", False), ("./a", False), ("../a", False), ("~/a", False)),
    ],
)
def test_source_is_told_by_its_first_letters(source, hub):
    assert is_from_hub(make_model(source=source)) is hub


def test_folder_is_a_path_never_a_name_that_happens_to_be_here(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    assert find_local_folder(make_model(source="a/b")) is None
    assert find_local_folder(make_model(source="./a/b")) == Path("a/b")


def test_local_folder_is_pinned_by_its_content(tmp_path):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text("{}")
    table = {"source": str(tmp_path), "family": "fake"}
    checksums = Checksums()

    first = resolve_model("[ocr]", table, checksums).revision
    assert resolve_model("[ocr]", table).revision == first
    (tmp_path / "1_Pooling" / "config.json").write_text("{ }")

    assert resolve_model("[ocr]", table, checksums).revision != first
    assert resolve_model("[ocr]", {**table, "revision": "mine"}).revision == "mine"


def test_local_folder_may_say_that_its_weights_are_random(tmp_path):
    card = {"random_weights": True, "revision": "r"}
    (tmp_path / CARD_FILE).write_text(json.dumps(card))

    model = resolve_model("[ocr]", {"source": str(tmp_path), "family": "fake"})

    assert model.random_weights
    assert model.revision != "r"


def test_local_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"\[ocr\]: no folder .*absent"):
        resolve_model("[ocr]", {"source": f"{tmp_path}/absent", "family": "fake"})


def test_content_revision_changes_with_names_and_bytes_but_not_with_the_card(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    first = content_revision(tmp_path)

    (tmp_path / CARD_FILE).write_text("{}")
    assert content_revision(tmp_path) == first

    (tmp_path / "a").write_bytes(b"2")
    second = content_revision(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, content_revision(tmp_path)}) == 3


def test_program_is_pinned_by_what_it_says_of_itself(tmp_path, monkeypatch):
    program = tmp_path / "reader"
    program.write_text("#!/bin/sh\necho reader 5.3\necho more\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    table = {"source": "binary:reader", "family": "reader"}

    assert resolve_model("[ocr]", table).revision == "reader 5.3"
    assert resolve_model("[ocr]", {**table, "revision": "mine"}).revision == "mine"


def test_absent_program_is_a_wrong_setting():
    with pytest.raises(ConfigurationError, match="no-such-reader: no such program"):
        resolve_model("[ocr]", {"source": "binary:no-such-reader", "family": "reader"})
