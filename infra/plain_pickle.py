"""Reads what a confined child sends: records and exceptions, and nothing that could run.

Pickle calls whatever it names. A child that a hostile file took over could name `os.system`, and
the parent would leave the sandbox on its behalf; so names are an allow-list.
"""

import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from multiprocessing.connection import Connection
from typing import Any

from pydantic import BaseModel

#: Longest message of a child: a record of the longest text takes a tenth of it.
MAX_MESSAGE_BYTES = 1 << 29
#: Packages of ours whose records may come home.
_OURS = {"schemas", "infra", "workers", "tests"}
#: Of other packages: values, and what the pool wraps a result in.
_OTHERS = {
    "builtins": {"bytearray", "complex", "frozenset", "range", "set", "slice"},
    "datetime": {"date", "datetime", "timedelta", "timezone"},
    "pathlib": {"PosixPath"},
    "uuid": {"UUID", "SafeUUID"},
    "pebble.common.types": {"Result", "ResultStatus"},
    "pebble.pool.process": {"Acknowledgement", "TaskProblem", "TaskResult"},
}
#: What broken pickles raise, apart from its own errors; they may name any record with anything.
_BROKEN = (
    *(pickle.UnpicklingError, AttributeError, EOFError, ImportError, LookupError, ValueError),
    *(TypeError, ArithmeticError, MemoryError, RecursionError, RuntimeError, AssertionError),
)


class _PlainUnpickler(pickle.Unpickler):
    """Knows records and exceptions only."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Refuse every name that is not on the list; nothing is imported for a child."""
        if (module, name) == ("pebble.common.types", "RemoteException.rebuild_exception"):
            return _rebuild_exception
        if module in sys.modules and _is_plain(module, name):
            found: Callable[..., Any] = super().find_class(module, name)
            return found
        raise pickle.UnpicklingError(f"a child sent {module}.{name}, which is no record of ours")


def _rebuild_exception(exception: BaseException, traceback: str) -> BaseException:
    """What pebble does with an exception and its traceback, a text, and nothing else."""
    if not isinstance(exception, Exception):
        raise pickle.UnpicklingError(f"a child sent {type(exception)} where an error was expected")
    exception.add_note(str(traceback))
    return exception


def _is_plain(module: str, name: str) -> bool:
    if name in _OTHERS.get(module, ()):
        return True
    found = vars(sys.modules[module]).get(name)
    if not isinstance(found, type) or found.__module__ != module:
        return False
    if module.partition(".")[0] in _OURS:
        return is_dataclass(found) or issubclass(found, BaseModel | Enum | Exception | tuple)
    return module == "builtins" and issubclass(found, Exception)


def receive_plain(reader: Connection) -> Any:
    """Receive one object.

    Raises:
        PicklingError: it holds something that is no record, or is no pickle.
        EOFError: nothing is left and the other end is closed.
        OSError: the message is longer than any record.
    """
    message = reader.recv_bytes(MAX_MESSAGE_BYTES)
    try:
        return _PlainUnpickler(io.BytesIO(message)).load()
    except _BROKEN as exc:
        raise pickle.PicklingError(f"a child sent what is no record: {exc}") from exc
