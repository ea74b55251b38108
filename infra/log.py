"""Structured logs: constant event names, values in fields, one formatter for all libraries."""

import json
import logging
import re
import time
from typing import Any

from infra.settings import Settings
from schemas.errors import ConfigurationError

#: Attributes that every record has; what is left is what the caller gave as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Chatty below error even when we are not.
_QUIET = ("celery", "kombu", "amqp", "alembic", "httpx", "PIL", "botocore", "urllib3")

#: What must not reach a terminal raw: names and messages come from media too.
_CONTROLS = [*range(9), *range(11, 32), *range(127, 160)]
_SPELT = {code: f"\\x{code:02x}" for code in _CONTROLS}
#: Passwords in URLs, signatures of presigned ones.
_SECRET = re.compile(
    r'(://[^/\s:@"]*:)[^/@\s"]+(?=@)|(X-Amz-(?:Signature|Security-Token)=)[^&\s"]+', re.IGNORECASE
)


class _JsonFormatter(logging.Formatter):
    """One JSON object per line; control characters cannot break the line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time_s": round(record.created, 3),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _redacted(json.dumps(line, default=str))


class _ConsoleFormatter(logging.Formatter):
    """For people: time, level, event, then `key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = "".join(f" {k}={json.dumps(v, default=str)}" for k, v in _fields(record).items())
        line = f"{clock} {record.levelname.lower():<8} {record.getMessage()}{fields}"
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return _redacted(line.translate(_SPELT))


def _redacted(line: str) -> str:
    return _SECRET.sub(r"\1\2***", line)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def configure_logging(settings: Settings) -> None:
    """Send all logs of this process to stderr, ours at the level of the settings.

    Raises:
        ConfigurationError: there is no such level.
    """
    level = settings.log_level.upper()
    if level not in logging.getLevelNamesMapping():
        raise ConfigurationError(
            f"SLUICE_LOG_LEVEL={settings.log_level}: expected DEBUG, INFO, WARNING or ERROR"
        )
    handler = logging.StreamHandler()
    is_json = settings.log_format == "json"
    handler.setFormatter(_JsonFormatter() if is_json else _ConsoleFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
