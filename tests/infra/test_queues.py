import pytest

from infra.queues import parse_queues
from schemas.errors import ConfigurationError


def test_queues_are_named_by_stage_or_by_stage_and_priority():
    assert parse_queues(["ocr.bulk", "caption"]) == [
        "ocr.bulk",
        "caption.interactive",
        "caption.normal",
        "caption.bulk",
    ]


@pytest.mark.parametrize("word", ["ocrr", "ocr.urgent", "", "ocr."])
def test_queue_that_no_stage_has_is_refused(word):
    with pytest.raises(ConfigurationError, match="known: prepare, ocr"):
        parse_queues([word])
