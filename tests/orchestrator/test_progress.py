"""What a terminal and a log file see of a run."""

import io
import re

import pytest
from rich.console import Console

from orchestrator import progress
from orchestrator.progress import ShowProgress
from orchestrator.pump import Stopped
from schemas.job import JobState

DONE, READY, RUNNING = JobState.DONE, JobState.READY, JobState.RUNNING
FAILED, QUARANTINED = JobState.FAILED, JobState.QUARANTINED


@pytest.fixture(autouse=True)
def _always_time(monkeypatch):
    for name in ("_BAR_EVERY_S", "_LINE_EVERY_S"):
        monkeypatch.setattr(progress, name, 0.0)


class Screen:
    """A console of 80 columns that remembers what was written."""

    def __init__(self, *, is_terminal: bool):
        self._file = io.StringIO()
        self.console = Console(
            file=self._file,
            width=80,
            force_terminal=is_terminal,
            color_system=None,
            _environ={},
        )

    def text(self) -> str:
        """All that was written, without cursor movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._file.getvalue())

    def lines(self) -> list[str]:
        return [line.strip() for line in re.split(r"[\r\n]+", self.text()) if line.strip()]


@pytest.fixture
def log_file():
    return Screen(is_terminal=False)


@pytest.fixture
def terminal():
    return Screen(is_terminal=True)


def run(screen, *rounds):
    with ShowProgress(screen.console) as show:
        for counts in rounds:
            show(lambda counts=counts: counts)
            show._bars.refresh()


# -- plain lines -----------------------------------------------------------------------------


def test_lines_tell_ended_of_all_by_stage(log_file):
    run(
        log_file,
        {"prepare": {READY: 2}, "ocr": {}},
        {"prepare": {DONE: 1, FAILED: 1}, "ocr": {JobState.WAITING: 1, RUNNING: 2}},
    )

    assert log_file.lines() == ["0 s  prepare 0/2", "0 s  prepare 2/2  ocr 0/3"]


def test_lines_of_a_second_run_tell_its_own_work(log_file):
    run(
        log_file,
        {"prepare": {DONE: 100, READY: 2}, "ocr": {DONE: 50, FAILED: 1}},
        {"prepare": {DONE: 102}, "ocr": {DONE: 50, FAILED: 1}},
    )

    assert log_file.lines() == ["0 s  prepare 0/2", "0 s  prepare 2/2"]


def test_lines_are_silent_while_there_is_nothing_to_do(log_file):
    run(log_file, {"prepare": {}}, {"prepare": {DONE: 3}})

    assert log_file.lines() == ["0 s  prepare 3/3"]


def test_lines_are_never_folded(log_file):
    run(log_file, {f"stage_{n}": {READY: 1_000_000} for n in range(8)})

    assert len(log_file.lines()) == 1


def test_lines_do_not_count_backwards_when_rows_are_purged(log_file):
    run(log_file, {"prepare": {DONE: 5, READY: 1}}, {"prepare": {DONE: 1, READY: 1}})

    assert log_file.lines() == ["0 s  prepare 0/1"]


def test_lines_come_rarely(log_file, monkeypatch):
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 60.0)

    def refuse():
        raise AssertionError("the database was asked though nothing is shown")

    with ShowProgress(log_file.console) as show:
        show(lambda: {"prepare": {READY: 1}})
        show(refuse)

    assert log_file.lines() == ["0 s  prepare 0/1"]


# -- bars ------------------------------------------------------------------------------------


def test_bar_tells_stage_count_and_failures(terminal):
    run(
        terminal,
        {"prepare": {READY: 4}},
        {"prepare": {DONE: 1, FAILED: 1, QUARANTINED: 1, READY: 1}},
    )

    last = terminal.lines()[-1]
    assert last.startswith("prepare ")
    assert " 3/4 " in last
    assert last.endswith("2 failed")


def test_bar_appears_with_the_first_job_of_its_stage(terminal):
    run(terminal, {"prepare": {READY: 1}, "ocr": {}})

    assert "prepare" in terminal.text()
    assert "ocr" not in terminal.text()


def test_bar_tells_pace_and_time_to_go(terminal):
    show = ShowProgress(terminal.console)
    show._bars.get_time = lambda: now
    now = 0.0
    show(lambda: {"prepare": {READY: 400}})
    now = 10.0
    show(lambda: {"prepare": {DONE: 100, READY: 300}})

    terminal.console.print(show._bars.get_renderable())

    assert "100/400 10.0/s  0:30 left" in terminal.text()


def test_bar_promises_nothing_before_the_first_job_has_ended(terminal):
    run(terminal, {"prepare": {READY: 4}})

    assert "/s" not in terminal.text()
    assert "left" not in terminal.text()


def test_bar_that_is_full_has_no_time_to_go(terminal):
    run(terminal, {"prepare": {READY: 4}}, {"prepare": {DONE: 4}})

    assert "4/4" in terminal.lines()[-1]
    assert "left" not in terminal.text()


def test_bars_of_a_second_run_show_its_own_failures(terminal):
    run(
        terminal,
        {"prepare": {DONE: 5, FAILED: 3, READY: 2}},
        {"prepare": {DONE: 6, FAILED: 4}},
    )

    last = terminal.lines()[-1]
    assert " 2/2 " in last
    assert last.endswith("1 failed")


def test_bars_fit_the_width_of_the_terminal(terminal):
    jobs = {DONE: 123_456, FAILED: 12_345, READY: 1_234_567}
    run(terminal, {"embed_visual": {READY: 1}}, {"embed_visual": jobs})

    assert all(len(line) <= 80 for line in terminal.lines())
    assert "135801/1370368" in terminal.text()


def test_bars_leave_nothing_behind(terminal):
    run(terminal, {"prepare": {READY: 4}})

    assert terminal._file.getvalue().endswith("\x1b[2K")
    assert terminal._file.getvalue().count("\x1b[?25l") == 1  # cursor hidden,
    assert "\x1b[?25h" in terminal._file.getvalue()  # and shown


# -- the end ---------------------------------------------------------------------------------


def test_work_that_is_stopped_is_told_to_take_a_moment(log_file):
    with pytest.raises(Stopped), ShowProgress(log_file.console):
        raise Stopped

    assert log_file.lines() == [progress.STOPPING_HINT]


def test_other_exceptions_get_no_hint(log_file):
    with pytest.raises(KeyError), ShowProgress(log_file.console):
        raise KeyError

    assert log_file.lines() == []
