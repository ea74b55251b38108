import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.hub_cache import find_snapshot
from infra.model_lock import read_lock
from infra.settings import load_settings
from orchestrator.commands import EXIT_FAILED, EXIT_OK
from orchestrator.commands.models import run_list, run_pull, run_verify
from schemas.errors import ConfigurationError
from schemas.stages import STAGES
from tests.tiny_hub import COMMIT, REPOSITORY

ROOT = Path(__file__).parents[3]


@pytest.fixture
def small(home, hub, tmp_path, monkeypatch):
    """A profile with one model from the hub, and one more that it has not."""
    path = tmp_path / "tiny.toml"
    tables = [
        f'[{spec.name}]\nsource = "{REPOSITORY}"\nfamily = "fake"\n'
        for spec in STAGES.values()
        if spec.needs_model
    ]
    path.write_text("\n".join(tables))
    monkeypatch.delenv("SLUICE_MODELS_LOCK")
    monkeypatch.setenv("SLUICE_MODELS", str(path))
    return path


def test_pull_locks_what_workers_will_load(small, home, capsys):
    assert run_pull(None, update=False, as_json=True) == EXIT_OK

    report = json.loads(capsys.readouterr().out)
    (model,) = report["models"]
    assert (model["state"], model["commit"], model["n_files"]) == ("pulled", COMMIT, 3)
    assert report["lock_file"] == str(home / "models.lock")
    refs = load_settings().model_refs
    assert {ref.revision for ref in refs.values()} == {COMMIT}
    assert set(refs["ocr"].files) == set(read_lock(home / "models.lock").models[0].files)


def test_pull_writes_nothing_the_second_time(small, home, capsys):
    run_pull(None, update=False, as_json=False)
    before = (home / "models.lock").stat().st_mtime_ns
    capsys.readouterr()

    assert run_pull(str(small), update=False, as_json=False) == EXIT_OK

    assert f"here  {REPOSITORY} @ c0ffee" in capsys.readouterr().out
    assert (home / "models.lock").stat().st_mtime_ns == before


def test_pull_keeps_the_lock_unless_it_is_told_to_update(small, hub, home):
    run_pull(None, update=False, as_json=True)
    hub.revisions |= {"main": "d" * 40, "d" * 40: "d" * 40}

    run_pull(None, update=False, as_json=True)
    assert read_lock(home / "models.lock").models[0].commit == COMMIT
    run_pull(None, update=True, as_json=True)
    assert read_lock(home / "models.lock").models[0].commit == "d" * 40


def test_pull_of_several_goes_on_after_one_that_failed(small, home, capsys):
    small.write_text(small.read_text().replace(REPOSITORY, "nobody/nothing", 1))

    assert run_pull(None, update=False, as_json=True) == EXIT_FAILED

    shown = capsys.readouterr()
    states = {m["repository"]: m["state"] for m in json.loads(shown.out)["models"]}
    assert states == {"nobody/nothing": "failed", REPOSITORY: "pulled"}
    assert "failed nobody/nothing at main: no such repository" in shown.err


def test_pull_without_a_network_says_what_to_do(small, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(
        ConfigurationError, match=r"HF_HUB_OFFLINE is set; pull where .* copy HF_HOME and"
    ):
        run_pull(None, update=False, as_json=False)


def test_profile_that_needs_no_hub_asks_nobody(home, hub, capsys, monkeypatch, profile):
    text = profile.read_text()
    for spec in STAGES.values():
        text = text.replace(f"fake/{spec.name}", "package:rapidocr")
    profile.write_text(text)

    assert run_pull(None, update=False, as_json=False) == EXIT_OK
    assert capsys.readouterr().out.endswith("needs nothing from a hub\n")
    assert hub.requests == []


def test_list_and_verify_tell_what_is_wrong(small, capsys):
    assert run_list(None, as_json=False) == EXIT_OK
    assert "unlocked" in capsys.readouterr().out
    assert run_verify(None, as_json=False) == EXIT_FAILED
    run_pull(None, update=False, as_json=False)
    capsys.readouterr()

    assert run_verify(None, as_json=False) == EXIT_OK
    assert "here, verified" in capsys.readouterr().out

    weights = (find_snapshot(REPOSITORY, COMMIT) / "model.safetensors").resolve()
    weights.write_bytes(bytes(weights.stat().st_size))
    assert run_verify(None, as_json=True) == EXIT_FAILED
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert {stage["state"] for stage in stages} == {"damaged"}


def test_offline_command_is_one_line_and_exit_2(small, hub, tmp_path):
    argv = "import sys; sys.argv = ['sluice', 'models', 'pull']"
    ended = subprocess.run(
        [sys.executable, "-c", f"from orchestrator.cli import main; {argv}; main()"],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "HF_HOME": str(tmp_path / "hf"),
            "HF_ENDPOINT": hub.endpoint,
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "HF_HUB_OFFLINE is set; pull where there is a network" in line
