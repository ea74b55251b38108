import json
import logging

import pytest

from infra.log import configure_logging
from infra.settings import load_settings
from schemas.errors import ConfigurationError


@pytest.fixture
def configured(clean_environment, capsys):
    """Configures logs as a process would; gives back what was there."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    root.handlers = []  # pytest's own must not be closed
    yield lambda **how: configure_logging(load_settings(**{"log_level": "INFO", **how}))
    root.setLevel(before[0])
    root.handlers = before[1]


def log_exception(event: str, exc: Exception, **fields) -> None:
    logging.getLogger("x").error(event, exc_info=exc, extra=fields)


def lines(capsys) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def json_line(capsys):
    (line,) = lines(capsys)
    return json.loads(line)


def test_json_log_is_one_object_per_record(configured, capsys):
    configured(log_format="json")

    logging.getLogger("x.y").info("job_completed", extra={"n_segments": 41, "seconds": 3.2})

    line = json_line(capsys)
    assert line.pop("time_s") > 1e9
    assert line == {
        "level": "info",
        "event": "job_completed",
        "logger": "x.y",
        "n_segments": 41,
        "seconds": 3.2,
    }


def test_json_log_escapes_what_would_break_the_line(configured, capsys):
    configured(log_format="json")

    logging.getLogger("x").warning("odd", extra={"key": "a\nb\x1b[31m\u2028c"})

    (line,) = lines(capsys)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["key"] == "a\nb\x1b[31m\u2028c"


def test_json_log_keeps_the_traceback_in_its_line(configured, capsys):
    configured(log_format="json")
    log_exception("job_failed", KeyError("botched"))

    line = json_line(capsys)
    assert line["level"] == "error"
    assert "KeyError: 'botched'" in line["traceback"]


def test_json_log_takes_values_that_are_no_json(configured, capsys, tmp_path):
    configured(log_format="json")

    logging.getLogger("x").info("seen", extra={"path": tmp_path})

    assert json_line(capsys)["path"] == str(tmp_path)


def test_console_log_gives_time_level_event_and_fields(configured, capsys):
    configured(log_format="console")

    logging.getLogger("x").warning("job_retried", extra={"stage": "ocr", "attempt": 2})

    (line,) = lines(capsys)
    assert line[2] == line[5] == ":"
    assert line[8:] == ' warning  job_retried stage="ocr" attempt=2'


def test_console_log_lets_no_control_character_through(configured, capsys):
    configured(log_format="console")

    logging.getLogger("lib").warning("cannot read %s", "a\x1b[2J\x9b1m\r.png")

    (line,) = lines(capsys)
    assert line.endswith(r"cannot read a\x1b[2J\x9b1m\x0d.png")


def test_console_log_shows_the_traceback_below(configured, capsys):
    configured(log_format="console")
    log_exception("job_failed", KeyError("botched"))

    shown = lines(capsys)
    assert shown[0].endswith("error    job_failed")
    assert shown[-1] == "KeyError: 'botched'"


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("hunter2", "postgresql://sluice:hunter2@db:5432/media is gone"),
        ("hunter2", "amqp://:hunter2@broker//"),
        ("c0ffee", "https://b.s3.amazonaws.com/k?X-Amz-Signature=c0ffee&X-Amz-Date=2026"),
        ("t0ken", "https://b.s3.amazonaws.com/k?x-amz-security-token=t0ken"),
    ],
)
def test_no_log_tells_a_secret(configured, capsys, log_format, secret, text):
    configured(log_format=log_format)
    log_exception(f"said {text}", OSError(text), url=text)

    shown = "\n".join(lines(capsys))
    assert secret not in shown
    assert shown.count("***") == 3


def test_logs_leave_ports_of_urls_alone(configured, capsys):
    configured()

    logging.getLogger("x").info("http://127.0.0.1:8080/v1/search?at=a@b")

    assert lines(capsys)[0].endswith("http://127.0.0.1:8080/v1/search?at=a@b")


def test_log_level_is_the_settings(configured, capsys):
    configured(log_level="warning")

    logging.getLogger("x").info("quiet")
    logging.getLogger("x").warning("loud")

    assert [line.split()[-1] for line in lines(capsys)] == ["loud"]


def test_libraries_are_heard_only_when_they_fail(configured, capsys):
    configured(log_level="debug")

    logging.getLogger("httpx").info("HTTP Request: POST")
    logging.getLogger("celery.worker").warning("chatter")
    logging.getLogger("celery.worker").error("trouble")

    assert [line.split()[-1] for line in lines(capsys)] == ["trouble"]


def test_log_level_that_is_none_names_the_setting(configured):
    with pytest.raises(ConfigurationError, match="SLUICE_LOG_LEVEL=loud: expected DEBUG, INFO"):
        configured(log_level="loud")
