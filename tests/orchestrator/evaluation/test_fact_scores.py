import pytest

from orchestrator.evaluation.fact_scores import check_facts, check_state, score_facts
from schemas.asset import AssetState
from tests.factories import make_failure, make_segment
from tests.orchestrator.evaluation.factories import make_case, make_outcome

STREAM = {"type": "video", "codec": "h264", "width": 480, "height": 270, "avg_fps": 20.0}
TEN_FPS = {"frame_interval_s": {"max": 0.1}}
OURS = {"type": "video", "codec": "h264", "width_px": 480, "height_px": 270, "language": None}


def wrong(case, outcome) -> list[str]:
    return [check.name for check in check_facts(case, outcome) if not check.is_right]


@pytest.mark.parametrize(
    ("facts", "found", "names"),
    [
        ({"display_width": 640}, {"width_px": 640}, []),
        ({"display_width": 640}, {"width_px": 480}, ["display_width"]),
        ({"duration_s": 10.0}, {"duration_s": 10.05}, []),
        ({"duration_s": 10.0}, {"duration_s": 10.06}, ["duration_s"]),
        ({"duration_s": 10.0, "frame_interval_s": {"max": 0.1}}, {"duration_s": 9.9}, []),
        # Seventy frames were counted, whatever the header claims.
        (
            {"duration_s": 9.0, "decoded_frames": 70, **TEN_FPS},
            {"duration_s": 7.0, "n_frames": 70},
            [],
        ),
        ({"decoded_frames": 70}, {"n_frames": 71}, ["decoded_frames"]),
        ({"decoded_frames": 1}, {}, []),
        ({"animation_ms": 3100}, {"duration_s": 3.1}, []),
        ({"animation_ms": 3100}, {}, ["animation_s"]),
        ({"pages": 2}, {"n_pages": 2}, []),
        ({"pages": 2}, {}, ["pages"]),
        ({"page_rotations": [0, 90]}, {"extra": {"page_rotations": [0, 90]}}, []),
        ({"page_rotations": [0, 0]}, {}, []),
        ({"page_rotations": [90]}, {}, ["page_rotations"]),
        ({"display_rotation": 270}, {"extra": {"rotation": -90}}, []),
        ({"display_rotation": 90}, {"extra": {"rotation": 0}}, ["display_rotation"]),
        ({"streams": [STREAM]}, {"extra": {"streams": [OURS]}}, []),
        ({"streams": [STREAM]}, {"extra": {"streams": [OURS, OURS]}}, ["streams"]),
        ({"streams": [STREAM]}, {"extra": {"streams": [OURS | {"type": "picture"}]}}, []),
        ({"frames": 1, "exif_orientation": 1}, {}, []),
        ({"exif_orientation": 6}, {"extra": {"orientation": 6}}, []),
    ],
)
def test_facts(facts, found, names):
    assert wrong(make_case(facts=facts), make_outcome("video", **found)) == names


def test_failed_file_has_none_of_its_facts_right():
    failed = make_outcome(facts=None, state=AssetState.FAILED)

    assert score_facts(make_case(facts={"pages": 1}), failed)["facts_exact"].value == 0.0
    assert score_facts(make_case(), failed) == {}


def test_subtitles_and_chapters():
    case = make_case(subtitles=["Hello  there."], chapters=[["One", 0.0, 1.0]])
    segment = make_segment(text="Hello there.", role="subtitle")
    right = make_outcome(
        "video", extra={"chapters": [{"title": "One"}]}, segments=[("prepare", segment)]
    )

    assert wrong(case, right) == []
    assert wrong(case, make_outcome("video")) == ["subtitles", "chapters"]


@pytest.mark.parametrize(
    ("truth", "state", "category", "is_right"),
    [
        ({}, AssetState.READY, None, True),
        ({}, AssetState.PARTIAL, "UnreadableMedia", False),
        ({}, None, None, False),
        ({"kind": "malformed"}, AssetState.FAILED, "UnreadableMedia", True),
        ({"kind": "malformed"}, AssetState.PARTIAL, "UnreadableMedia", True),
        ({"kind": "malformed"}, AssetState.QUARANTINED, "SandboxCrashed", False),
        ({"kind": "malformed"}, AssetState.PROCESSING, None, False),
        ({"password": "x"}, AssetState.FAILED, "EncryptedMedia", True),
        ({"password": "x"}, AssetState.FAILED, "UnreadableMedia", False),
        ({"password": "x"}, AssetState.READY, None, False),
        ({"expect_without_password": "refusal"}, AssetState.FAILED, "EncryptedMedia", True),
        ({"expect": "anything"}, AssetState.FAILED, "MediaTooLarge", True),
        ({"facts": {"error": "bad"}}, AssetState.FAILED, "UnsupportedMedia", True),
    ],
)
def test_states(truth, state, category, is_right):
    failures = [make_failure(category=category)] if category else []
    outcome = make_outcome(state=state, failures=failures)

    assert check_state(make_case(**truth), outcome).is_right == is_right


def test_malformed_and_closed_files_have_no_facts_to_check():
    facts = {"pages": 3}

    assert check_facts(make_case(kind="malformed", facts=facts), make_outcome()) == []
    assert check_facts(make_case(password="x", facts=facts), make_outcome()) == []
