from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from schemas.asset import AssetId
from schemas.job import TERMINAL_JOB_STATES, BatchMessage, JobState, Priority, job_id
from tests.factories import make_message

ASSET = AssetId(UUID(int=1))


def test_job_id_of_the_same_work_is_the_same():
    assert job_id(ASSET, "ocr", "v1", 0) == job_id(ASSET, "ocr", "v1", 0)


@pytest.mark.parametrize(
    "other",
    [
        (AssetId(UUID(int=2)), "ocr", "v1", 0),
        (ASSET, "caption", "v1", 0),
        (ASSET, "ocr", "v2", 0),
        (ASSET, "ocr", "v1", 1),
    ],
)
def test_job_id_of_other_work_is_another(other):
    assert job_id(*other) != job_id(ASSET, "ocr", "v1", 0)


def test_message_survives_json():
    message = make_message([uuid4(), uuid4()])

    assert BatchMessage.model_validate(message.model_dump(mode="json")) == message


def test_message_of_a_newer_release_is_read():
    message = make_message([uuid4()]).model_dump(mode="json")

    read = BatchMessage.model_validate({**message, "colour": "blue"})

    assert read.job_ids == tuple(UUID(i) for i in message["job_ids"])


def test_message_without_jobs_is_refused():
    with pytest.raises(ValidationError):
        make_message([])


def test_interactive_work_is_served_first():
    assert sorted(Priority) == [Priority.INTERACTIVE, Priority.NORMAL, Priority.BULK]


def test_jobs_at_rest_are_the_terminal_ones():
    moving = {JobState.WAITING, JobState.READY, JobState.DISPATCHED, JobState.RUNNING}

    assert set(JobState) - TERMINAL_JOB_STATES == moving
