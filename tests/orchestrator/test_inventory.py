import json

import pytest

from infra import profiles
from infra.hub_cache import find_snapshot
from infra.profiles import CARD_FILE, content_revision
from infra.snapshots import Snapshots
from orchestrator.inventory import take_stock
from orchestrator.pull import Question, pull
from schemas.lock import ModelLock
from tests.factories import make_model
from tests.tiny_hub import COMMIT, REPOSITORY

EYE = make_model(source=REPOSITORY, revision="main")


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path / "models")


@pytest.fixture
def lock(hub, snapshots):
    """Of one model, pulled."""
    model = pull(Question(REPOSITORY, "main"), None, snapshots, lambda *_: None).model
    return ModelLock(models=(model,))


def look(model, lock, snapshots, *, afresh=False):
    (seen,) = take_stock({"ocr": model}, lock, snapshots, afresh=afresh)
    return seen


def test_model_that_was_pulled_is_here_and_verified(lock, snapshots):
    seen = look(EYE, lock, snapshots)

    assert (seen.state, seen.verified, seen.commit) == ("here", True, COMMIT)
    assert seen.size_bytes == lock.models[0].size_bytes


def test_model_that_nobody_pulled_is_not_locked(snapshots, hub_cache):
    seen = look(EYE, ModelLock(), snapshots)

    assert (seen.state, seen.commit, seen.error) == ("unlocked", None, "run `sluice models pull`")


def test_locked_model_that_is_not_here_is_missing(lock, snapshots):
    (find_snapshot(REPOSITORY, COMMIT) / "config.json").unlink()

    seen = look(EYE, lock, snapshots)

    assert seen.state == "missing"
    assert "config.json is not on this machine" in seen.error


def test_model_that_was_copied_here_is_not_verified_until_it_is(lock, tmp_path):
    fresh = Snapshots(tmp_path / "other home")

    assert (look(EYE, lock, fresh).state, look(EYE, lock, fresh).verified) == ("here", False)
    assert look(EYE, lock, fresh, afresh=True).verified is True
    assert look(EYE, lock, fresh).verified is True


def test_model_that_was_tampered_with_is_damaged(lock, snapshots):
    weights = (find_snapshot(REPOSITORY, COMMIT) / "model.safetensors").resolve()
    weights.write_bytes(bytes(weights.stat().st_size))

    assert look(EYE, lock, snapshots).verified is False
    seen = look(EYE, lock, snapshots, afresh=True)
    assert (seen.state, seen.verified) == ("damaged", False)
    assert seen.error.startswith("model.safetensors has sha256")


def test_package_has_the_size_of_its_weights(snapshots):
    model = make_model(source="package:rapidocr", revision="3")

    seen = look(model, ModelLock(), snapshots)

    assert (seen.state, seen.verified) == ("here", None)
    assert 1_000_000 < seen.size_bytes < 200_000_000


def test_checkpoint_is_compared_with_its_card(snapshots, tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "CHECKPOINTS_DIR", tmp_path)
    (tmp_path / "eye").mkdir()
    (tmp_path / "eye" / "config.json").write_text("{}")
    revision = content_revision(tmp_path / "eye")
    (tmp_path / "eye" / CARD_FILE).write_text(json.dumps({"revision": revision}))
    model = make_model(source="checkpoint:eye", revision=revision, random_weights=True)

    seen = look(model, ModelLock(), snapshots)
    assert (seen.state, seen.verified, seen.random_weights) == ("here", True, True)

    (tmp_path / "eye" / "config.json").write_text("{ }")
    assert look(model, ModelLock(), snapshots).state == "damaged"


def test_local_folder_has_its_size(snapshots, tmp_path):
    (tmp_path / "eye").mkdir()
    (tmp_path / "eye" / "config.json").write_text("{}")

    seen = look(make_model(source=f"{tmp_path}/eye"), ModelLock(), snapshots)

    assert (seen.state, seen.size_bytes, seen.verified) == ("here", 2, None)
