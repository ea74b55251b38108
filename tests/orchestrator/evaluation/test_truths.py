import json
from pathlib import Path

import pytest

from orchestrator.evaluation.truths import find_cases
from schemas.errors import ConfigurationError
from tests.orchestrator.evaluation.factories import make_case


def plant(folder: Path, name: str, **truth) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"media")
    path.with_name(path.name + ".gt.json").write_text(json.dumps(truth))


def test_only_files_with_a_truth_are_cases(tmp_path):
    plant(tmp_path, "image/a.jpg", kind="image", captions=["a cat"])
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "MANIFEST.csv").write_text("file,group\n")
    (tmp_path / "gone.jpg.gt.json").write_text("{}")

    (case,) = find_cases(tmp_path)

    assert (case.path.name, case.kind, case.folder) == ("a.jpg", "image", "image")
    assert case.truth.captions == ("a cat",)


def test_groups_come_from_the_manifest_and_default_to_the_file(tmp_path):
    for name in ("a.wav", "a.mp3", "b.wav"):
        plant(tmp_path, name, kind="speech")
    (tmp_path / "MANIFEST.csv").write_text("file,group\na.wav,one\na.mp3,one\nb.wav,\n")

    groups = {case.path.name: case.group for case in find_cases(tmp_path)}

    assert groups == {"a.wav": "one", "a.mp3": "one", "b.wav": "b.wav"}


def test_kinds_and_limit_choose_evenly(tmp_path):
    for number in range(10):
        plant(tmp_path, f"{number}.png", kind="image" if number % 2 else "document")

    assert [c.path.name for c in find_cases(tmp_path, ["image"])] == [
        f"{n}.png" for n in (1, 3, 5, 7, 9)
    ]
    assert [c.path.name for c in find_cases(tmp_path, limit=2)] == ["0.png", "5.png"]


@pytest.mark.parametrize(
    ("truth", "wrong"), [("{", "Invalid JSON"), ('{"captions": 3}', "captions: ")]
)
def test_a_broken_truth_is_named(tmp_path, truth, wrong):
    plant(tmp_path, "a.jpg")
    (tmp_path / "a.jpg.gt.json").write_text(truth)

    with pytest.raises(ConfigurationError, match=wrong) as raised:
        find_cases(tmp_path)
    assert "a.jpg.gt.json" in str(raised.value)


def test_a_folder_without_truths_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")

    with pytest.raises(ConfigurationError, match=r"no file with a truth <file>\.gt\.json"):
        find_cases(tmp_path)
    with pytest.raises(ConfigurationError, match="no such folder"):
        find_cases(tmp_path / "absent")


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ({"frame_interval_s": {"max": 0.05}, "first_pts_s": 1.0}, 1.5),
        ({"frame_interval_s": {"max": 0.0334}, "streams": [{"avg_fps": 30.0}]}, 10 / 30),
        # A header that says 1000 fps knows nothing of frames.
        ({"frame_interval_s": {"max": 0.04}, "streams": [{"avg_fps": 1000.0}]}, 0.4),
        ({"frame_interval_s": {"max": 0.2}, "vfr": True}, None),
        ({}, None),
    ],
)
def test_frames_become_seconds_only_at_a_constant_rate(facts, seconds):
    assert make_case(facts=facts).frame_s(10) == (seconds and pytest.approx(seconds))
