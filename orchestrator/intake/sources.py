"""Which sources of events an installation listens to, by its settings."""

from collections.abc import Callable
from urllib.parse import urlsplit

from infra.settings import Settings
from orchestrator.intake.receiver import Receiver
from orchestrator.intake.scan import Scan, ScanSource
from orchestrator.intake.source import Source
from schemas.errors import ConfigurationError


def open_sources(
    settings: Settings, receiver: Receiver, open_scan: Callable[[str], Scan]
) -> list[Source]:
    """Sources that the orchestrator runs, each on a thread of its own; nothing connects yet.

    Args:
        settings: name the sources.
        receiver: takes their messages.
        open_scan: the scan of one `s3://bucket/prefix`.

    Raises:
        ConfigurationError: a URL is of no kind that we can listen to.
    """
    sources: list[Source] = []
    if settings.sqs_url:
        from orchestrator.intake.sqs import SqsSource

        sources.append(SqsSource(settings.sqs_url, receiver, region=settings.s3_region))
    if settings.events_url:
        sources.append(_broker_source(settings, receiver))
    if scanned := split_names(settings.scan_sources):
        scans = [open_scan(source) for source in sorted(scanned)]
        sources.append(ScanSource(scans, settings.scan_every_s))
    return sources


def split_names(names: str) -> frozenset[str]:
    """Names that a setting lists with commas."""
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def _broker_source(settings: Settings, receiver: Receiver) -> Source:
    url, queue = settings.events_url, settings.events_queue
    match urlsplit(url).scheme:
        case "amqp" | "amqps":
            from orchestrator.intake.amqp import AmqpSource

            return AmqpSource(url, queue, receiver)
        case "redis" | "rediss":
            from orchestrator.intake.redis_list import RedisListSource

            return RedisListSource(url, queue, receiver)
        case scheme:
            raise ConfigurationError(
                f"SLUICE_EVENTS_URL: found {scheme or 'no scheme'}, expected amqp:// or redis://"
            )
