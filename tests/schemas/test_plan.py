import pytest

from schemas.asset import ArtifactKind, AudioPart
from schemas.plan import plan, plan_prepare
from schemas.stages import STAGES
from tests.factories import make_artifact

VERSIONS = {name: f"{name}-v1" for name in STAGES}


def plan_of(*artifacts, text_parts=()):
    return plan(artifacts, text_parts, VERSIONS)


def images(kind, n, part=0):
    member = make_artifact().images[0]
    return make_artifact(kind=kind, part=part, images=(member,) * n)


def audio(part, seconds):
    part_of_track = AudioPart(start_s=600.0 * part, duration_s=seconds)
    return make_artifact(kind=ArtifactKind.AUDIO, part=part, images=(), audio=part_of_track)


def test_plan_prepare_costs_megabytes():
    (job,) = plan_prepare(25_000_000, VERSIONS)

    assert (job.stage, job.version, job.source, job.cost) == (
        "prepare",
        "prepare-v1",
        "object",
        25.0,
    )


def test_plan_prepare_of_an_empty_object_still_costs_something():
    assert plan_prepare(0, VERSIONS)[0].cost == 1.0


def test_plan_of_nothing_is_nothing():
    assert plan_of() == []


def test_plan_of_a_picture_reads_captions_and_embeds_it():
    jobs = plan_of(images(ArtifactKind.VIEW, 1))

    assert [(job.stage, job.source) for job in jobs] == [
        ("ocr", "view"),
        ("caption", "view"),
        ("embed_visual", "view"),
        ("embed_text", "ocr"),
        ("embed_text", "caption"),
    ]


def test_plan_of_a_thumbnail_is_nothing():
    assert plan_of(make_artifact(kind=ArtifactKind.THUMBNAIL)) == []


def test_plan_makes_one_job_per_part():
    jobs = plan_of(audio(0, 600.0), audio(1, 40.0))

    transcribe = [job for job in jobs if job.stage == "transcribe"]
    assert [(job.part, job.source_part, job.cost) for job in transcribe] == [
        (0, 0, 600.0),
        (1, 1, 40.0),
    ]


def test_plan_counts_parts_over_all_that_a_stage_reads():
    jobs = plan_of(images(ArtifactKind.VIEW, 1), images(ArtifactKind.SCANS, 12, part=3))

    ocr = [job for job in jobs if job.stage == "ocr"]
    assert [(job.part, job.source, job.source_part, job.cost) for job in ocr] == [
        (0, "view", 0, 1.0),
        (1, "scans", 3, 12.0),
    ]


def test_plan_lets_text_wait_for_the_job_that_writes_it():
    jobs = plan_of(audio(0, 600.0), audio(1, 40.0))

    embed_text = [job for job in jobs if job.stage == "embed_text"]
    assert [job.after for job in embed_text] == [(("transcribe", 0),), (("transcribe", 1),)]


def test_plan_lets_text_that_is_there_wait_for_nothing():
    (job,) = plan_of(text_parts=[2])

    assert (job.stage, job.source, job.source_part, job.after) == ("embed_text", "prepare", 2, ())


def test_plan_of_the_same_input_is_the_same():
    artifacts = [images(ArtifactKind.KEYFRAMES, 5), images(ArtifactKind.FRAMES, 9), audio(0, 9.0)]

    assert plan_of(*artifacts, text_parts=[0]) == plan_of(*artifacts, text_parts=[0])


@pytest.mark.parametrize("n_images", [0, 1])
def test_plan_never_makes_an_image_job_free(n_images):
    jobs = plan_of(images(ArtifactKind.VIEW, n_images))

    assert {job.cost for job in jobs} == {1.0}


def test_plan_names_each_job_once():
    kinds = [images(kind, 2) for kind in ArtifactKind if kind is not ArtifactKind.AUDIO]
    jobs = plan_of(*kinds, audio(0, 5.0), audio(1, 5.0), text_parts=[0, 1])

    names = [(job.stage, job.part) for job in jobs]
    assert len(set(names)) == len(names)
    assert all(parent in names for job in jobs for parent in job.after)
