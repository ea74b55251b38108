import logging

import pytest

from schemas import errors
from schemas.errors import ConfigurationError, IngestError, PermanentError, TransientError
from tests.factories import make_job
from workers.verdicts import Action, failure_of, judge


@pytest.mark.parametrize(
    ("error", "action", "level"),
    [
        (errors.UnreadableMedia("x"), Action.FAIL, logging.INFO),
        (errors.ObjectNotFound("x"), Action.FAIL, logging.INFO),
        (errors.ObjectChanged("x"), Action.RETRY, logging.WARNING),
        (errors.SandboxCrashed("x"), Action.RETRY, logging.WARNING),
        (errors.DeviceOutOfMemory("x"), Action.RETRY, logging.WARNING),
        (errors.LeaseLost("x"), Action.DROP, logging.INFO),
        (KeyError("x"), Action.RETRY, logging.ERROR),
    ],
)
def test_every_error_has_a_meaning(error, action, level):
    assert judge(error) == (action, level)


def test_bad_media_is_never_tried_again_and_never_alarms():
    permanent = [
        e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, PermanentError)
    ]

    assert {judge(error("x")) for error in permanent} == {(Action.FAIL, logging.INFO)}


def test_every_error_of_the_tree_but_outages_is_listed():
    """An error that is added to the tree must not fall through to `our defect`."""
    known = [
        e
        for e in vars(errors).values()
        if isinstance(e, type) and issubclass(e, IngestError) and e is not IngestError
    ]
    judged = [e for e in known if not issubclass(e, TransientError)]

    assert [e for e in judged if judge(e("x")).log_level == logging.ERROR] == []
    assert not issubclass(ConfigurationError, IngestError)


def test_each_action_has_its_event():
    events = {judge(e).event for e in (errors.LeaseLost(), errors.MediaTooLarge(), KeyError())}

    assert events == {"job_lost", "job_failed", "job_retried"}


def test_failure_keeps_the_name_of_an_unknown_class():
    failure = failure_of(make_job(attempts=3), ZeroDivisionError("division by zero"))

    assert (failure.category, failure.message) == ("ZeroDivisionError", "division by zero")
    assert (failure.stage, failure.attempt) == ("ocr", 3)


def test_failure_without_a_message_says_what_it_is():
    assert failure_of(make_job(attempts=1), KeyError()).message == "KeyError()"
