import os
import pickle
from concurrent.futures import Future
from io import BytesIO
from multiprocessing import Pipe
from pathlib import Path

import pytest
from pebble.common.types import RemoteException, Result, ResultStatus
from pebble.pool.process import TaskResult

from infra.plain_pickle import MAX_MESSAGE_BYTES, receive_plain
from schemas.asset import MediaType
from schemas.errors import Failure, MediaTooLarge
from schemas.segment import Box, Page, Region, Segment


def sent(message):
    reader, writer = Pipe(duplex=False)
    with reader, writer:
        writer.send_bytes(message if isinstance(message, bytes) else pickle.dumps(message))
        return receive_plain(reader)


class Call:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "record",
    [
        {"a": [1, 2.0, "x", b"y", None, True, {3}, (4,)]},
        Path("a/b"),
        MediaType.IMAGE,
        Failure(category="X", message="m", stage="prepare", locator=Page(page=7)),
        {0: [Segment(ordinal=0, text="words")]},
        Region(box=Box(0, 0, 1, 1), within=Page(page=1)),
    ],
)
def test_records_come_home(record):
    assert sent(TaskResult(1, Result(ResultStatus.SUCCESS, record))).result.value == record


def test_exceptions_come_home_with_their_traceback_as_a_note():
    error = sent(RemoteException(MediaTooLarge("9 pixels"), "line 7"))

    assert (type(error), str(error), error.__notes__) == (MediaTooLarge, "9 pixels", ["line 7"])


@pytest.mark.parametrize(
    "message",
    [
        Call(os.system, "true"),
        Call(eval, "1"),
        Call(getattr, Path, "unlink"),
        Call(__import__, "os"),
        Call(Path.read_text, Path("/etc/passwd")),
        RemoteException(SystemExit(1), ""),
        Future,
        BytesIO(b""),
        pickle.Unpickler,
    ],
)
def test_what_could_run_is_refused(message):
    with pytest.raises(pickle.PicklingError):
        sent(message)


@pytest.mark.parametrize("message", [b"", b"garbage", b"\x80\x05cos\nsystem\n.", b"\x80\x05."])
def test_what_is_no_pickle_is_refused(message):
    with pytest.raises(pickle.PicklingError):
        sent(message)


def test_module_that_nobody_imported_is_not_imported_for_a_child():
    with pytest.raises(pickle.PicklingError, match=r"workers\.nowhere\.Thing"):
        sent(b"\x80\x02cworkers.nowhere\nThing\n.")


def test_names_that_a_module_only_borrowed_are_refused():
    with pytest.raises(pickle.PicklingError, match="no record"):
        sent(b"\x80\x02cschemas.errors\nBaseModel\n.")


def test_message_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("infra.plain_pickle.MAX_MESSAGE_BYTES", 10)

    with pytest.raises(OSError, match="bad message length"):
        sent(bytes(11))
    assert MAX_MESSAGE_BYTES > 10
