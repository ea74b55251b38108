"""The task is bound to the runner; the worker stops when it is told."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError

from infra.broker import RUN_BATCH, create_app
from infra.queues import queue_names
from tests.factories import make_message
from workers.app import BatchWorker

ROOT = Path(__file__).parents[2]


class Recorder:
    """Stands where the runner does."""

    def __init__(self):
        self.messages = []

    def run_batch(self, message):
        self.messages.append(message)


@pytest.fixture
def app(settings):
    app = create_app(settings)
    yield app
    app.close()


def test_task_hands_the_message_to_the_runner(app):
    runner, message = Recorder(), make_message([uuid4()])
    BatchWorker(app, runner, queue_names(), "w1")

    app.tasks[RUN_BATCH](message.model_dump(mode="json"))

    assert runner.messages == [message]


def test_message_of_another_shape_never_reaches_the_runner(app):
    runner = Recorder()
    BatchWorker(app, runner, queue_names(), "w1")

    with pytest.raises(ValidationError):
        app.tasks[RUN_BATCH]({"jobs": [1]})

    assert runner.messages == []


def test_worker_takes_batches_until_it_is_stopped(profile):
    """Celery wants the main thread and its signals, so the worker gets a process."""
    script = f"""
import threading
from uuid import uuid4
from infra.broker import create_app, publish
from infra.queues import queue_names
from infra.settings import load_settings
from tests.factories import make_message
from workers.app import BatchWorker

class Runner:
    taken = []
    def run_batch(self, message):
        self.taken.append(message)
        if len(self.taken) == 3:
            worker.stop()

app = create_app(load_settings(models={str(profile)!r}, broker_url="memory://"))
worker = BatchWorker(app, Runner(), queue_names(), "w1")
told = []

def feed():
    for stage in ("prepare", "ocr", "embed_text"):
        publish(app, make_message([uuid4()], stage=stage))

worker.run(
    on_ready=threading.Thread(target=feed).start, on_stopping=lambda: told.append("stopping")
)
print(sorted(message.stage for message in Runner.taken))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.stdout.strip() == "['embed_text', 'ocr', 'prepare']", ended.stderr
    assert ended.returncode == 0


SIGNALLED = """
import os, signal, sys, threading
from uuid import uuid4
from infra.broker import create_app, publish
from infra.queues import queue_names
from infra.settings import load_settings
from tests.factories import make_message
from workers.app import BatchWorker

signals = [getattr(signal, name) for name in sys.argv[2:]]

class Runner:
    def run_batch(self, message):
        for signum in signals:
            os.kill(os.getpid(), signum)
            stopping.wait(5)
        print("batch finished", flush=True)

stopping = threading.Event()
app = create_app(load_settings(models=sys.argv[1], broker_url="memory://"))
worker = BatchWorker(app, Runner(), queue_names(), "w1")

def on_stopping():
    print("stopping", flush=True)
    stopping.set()
    threading.Thread(target=worker.stop).start()

before = signal.getsignal(signal.SIGINT)
worker.run(on_ready=lambda: publish(app, make_message([uuid4()])), on_stopping=on_stopping)
assert signal.getsignal(signal.SIGINT) is before
print("ended")
"""


def run_signalled(profile: Path, *signals: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(profile), *signals],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_first_signal_finishes_the_running_batch(profile, name):
    """Nothing but ours on stdout: it may be a JSON document's; nothing is started again."""
    ended = run_signalled(profile, name)

    assert ended.stdout.splitlines() == ["stopping", "batch finished", "ended"], ended.stderr
    assert ended.returncode == 0


def test_second_signal_ends_the_process_at_once(profile):
    ended = run_signalled(profile, "SIGTERM", "SIGINT")

    assert ended.stdout.splitlines() == ["stopping"]
    assert ended.returncode == -signal.SIGINT
    assert "Traceback" not in ended.stderr
