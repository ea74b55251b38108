import shutil

import pytest

from infra.hub import HubRefused, HubUnreachable
from infra.hub_cache import find_commit, find_snapshot
from infra.snapshots import Snapshots
from orchestrator.pull import Question, pull, questions
from schemas.errors import ConfigurationError
from tests.factories import make_model
from tests.tiny_hub import COMMIT, REPOSITORY

EYE = Question(REPOSITORY, "main")
WANTED = {"config.json", "model.safetensors", "1_Pooling/config.json"}


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path / "models")


@pytest.fixture
def ask(hub, snapshots):
    """Pulls, and tells what came."""
    return lambda question=EYE, locked=None: pull(question, locked, snapshots, lambda *_: None)


def test_questions_are_asked_once_and_of_hubs_only():
    models = {
        "a": make_model(source="a/b", revision="main"),
        "b": make_model(source="a/b", revision="main"),
        "c": make_model(source="package:x"),
        "d": make_model(source="./folder"),
        "e": make_model(source="a/b", revision="v2"),
    }

    assert questions(models) == [("a/b", "main"), ("a/b", "v2")]


def test_pull_brings_what_is_worth_having_and_nothing_else(hub, ask, snapshots):
    pulled = ask()

    assert pulled.state == "pulled"
    assert set(pulled.model.files) == {path for path, _ in hub.downloads} == WANTED
    assert (pulled.model.commit, find_commit(*EYE)) == (COMMIT, COMMIT)
    assert snapshots.check(REPOSITORY, COMMIT, pulled.model.files, afresh=True) == {}


def test_pull_tells_every_byte(hub, snapshots):
    told = []

    pulled = pull(EYE, None, snapshots, lambda *news: told.append(news))

    assert {name for name, _, _ in told} == WANTED
    assert sum(n for _, _, n in told) == pulled.model.size_bytes
    assert {total for _, total, _ in told} == {pulled.model.size_bytes}


def test_pull_again_asks_nobody(hub, ask):
    locked = ask().model
    hub.requests.clear()

    assert ask(locked=locked) == (locked, "here")
    assert hub.requests == []


def test_pull_again_fetches_what_is_missing_or_damaged(hub, ask):
    locked = ask().model
    folder = find_snapshot(REPOSITORY, COMMIT)
    (folder / "model.safetensors").resolve().write_bytes(bytes(10240))
    (folder / "config.json").resolve().unlink()
    hub.requests.clear()

    assert ask(locked=locked) == (locked, "pulled")
    assert {path for path, _ in hub.downloads} == {"config.json", "model.safetensors"}


def test_lock_stays_when_the_branch_moves(hub, ask):
    locked = ask().model
    shutil.rmtree(find_snapshot(REPOSITORY, COMMIT))
    hub.revisions["main"] = "d" * 40

    assert ask(locked=locked).model.commit == COMMIT
    assert ask().model.commit == "d" * 40


def test_content_that_is_not_the_locked_one_is_refused(hub, ask):
    locked = ask().model
    shutil.rmtree(find_snapshot(REPOSITORY, COMMIT))
    hub.files["config.json"] = b'{"model_type": "oak"}'

    with pytest.raises(HubRefused, match=r"config\.json is not the file that was locked"):
        ask(locked=locked)


def test_repository_without_safetensors_is_refused_before_a_byte_came(hub, ask):
    del hub.files["model.safetensors"]

    with pytest.raises(ConfigurationError, match=r"no weights .* found only pytorch_model\.bin"):
        ask()
    assert hub.downloads == []


def test_disk_that_is_too_small_is_told_before_a_byte_came(hub, ask, monkeypatch):
    monkeypatch.setattr(
        "orchestrator.pull.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0)
    )

    with pytest.raises(ConfigurationError, match="HF_HOME names another place"):
        ask()
    assert hub.downloads == []


def test_without_a_hub_the_cache_is_locked(hub, ask, monkeypatch):
    model = ask().model
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    assert ask() == (model, "cached")
    assert ask(Question(REPOSITORY, COMMIT)).model.files == model.files


def test_without_a_hub_and_a_cache_it_is_unreachable(hub, ask, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE is set"):
        ask()
