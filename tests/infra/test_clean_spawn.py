import os
import signal
import time

import pytest

from infra.clean_spawn import CleanSpawn


def tell(writer):
    writer.send(dict(os.environ))


def test_child_is_told_its_environment_and_nothing_else(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    context = CleanSpawn({"PATH": os.environ["PATH"], "MARK": "1"})
    reader, writer = context.Pipe(duplex=False)

    child = context.Process(target=tell, args=(writer,))
    child.start()
    told = reader.recv()
    child.join()

    assert set(told) - {"LC_CTYPE"} == {"PATH", "MARK"}  # Python itself sets the third
    assert child.exitcode == 0


@pytest.mark.parametrize(
    ("target", "args", "code"), [(os._exit, (3,), 3), (time.sleep, (60,), -signal.SIGKILL)]
)
def test_exit_codes_are_those_of_multiprocessing(target, args, code):
    child = CleanSpawn({}).Process(target=target, args=args)
    child.start()
    if code < 0:
        child.kill()
    child.join()

    assert child.exitcode == code
    assert not child.is_alive()
