"""What tests of whole commands need."""

import logging
from collections.abc import Iterator

import pytest

from infra import log
from tests.tiny_hub import hub, hub_cache

__all__ = ["hub", "hub_cache"]


@pytest.fixture
def keep_logging() -> Iterator[None]:
    """Commands set up the logs of their process; this one is pytest's."""
    loggers = [logging.getLogger(name) for name in (None, *log._QUIET)]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    logging.getLogger().handlers = []  # so that they are not closed
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers = handlers
