import pytest

from orchestrator.intake.sources import open_sources, split_names
from schemas.errors import ConfigurationError


def names(settings, **update):
    opened = open_sources(settings.model_copy(update=update), None, lambda source: source)
    return [source.name for source in opened]


def test_nothing_is_listened_to_unasked(settings):
    assert names(settings) == []


def test_every_source_is_opened_by_its_setting(settings):
    sqs = "https://sqs.eu-west-1.amazonaws.com/1/q"

    assert names(settings, sqs_url=sqs, scan_sources="s3://b, s3://c/x") == [f"SQS {sqs}", "scan"]
    assert names(settings, events_url="amqp://u:p@h//") == ["AMQP queue sluice-events"]
    assert names(settings, events_url="redis://h/0", events_queue="l") == ["Redis list l"]


@pytest.mark.parametrize("url", ["kafka://h", "no-url"])
def test_other_brokers_are_refused(settings, url):
    with pytest.raises(ConfigurationError, match="SLUICE_EVENTS_URL"):
        names(settings, events_url=url)


def test_names_are_split_at_commas():
    assert split_names(" a,b ,,a") == {"a", "b"}
    assert split_names("") == frozenset()
