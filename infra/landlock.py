"""Landlock: the kernel's own allow-list of files, TCP and signals; needs no privilege.

The numbers are those of linux/landlock.h and of the table of system calls, which give these three
the same number on every architecture.
"""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38

#: LANDLOCK_ACCESS_FS_*, by bit.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << n for n in range(6))
_MAKE_DIR, _MAKE_FILE, _REFER, _TRUNCATE, _DEVICE_CONTROL = (1 << n for n in (7, 8, 13, 14, 15))
#: What version 1 knows; it includes links, sockets and devices, which nobody may make.
_ALL_OF_V1 = (1 << 13) - 1
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE = _WRITE_FILE | _TRUNCATE
#: Nothing that a child writes can be run.
_KEEP = _READ_FILE | _READ_DIR | _WRITE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE
_KEEP |= _REFER
#: Rights that a rule on a file, not on a directory, may hold.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_CONTROL
#: First versions with each group of rights.
_V_REFER, _V_TRUNCATE, _V_TCP, _V_DEVICES, _V_SCOPES = 2, 3, 4, 5, 6
_ALL_TCP = 0b11
_ALL_SCOPES = 0b11

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def find_version() -> int:
    """Version of Landlock that the kernel has on; 0 for none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)))


def restrict(
    *,
    readable: Iterable[Path],
    listable: Iterable[Path],
    devices: Iterable[Path],
    writable: Path,
) -> None:
    """Leave this process, and all that it starts, nothing but these paths, for good.

    TCP and, from Linux 6.12, abstract sockets and signals to other processes are closed too.

    Args:
        readable: files and directories to read and execute; those that are missing are skipped.
        listable: directories of which, and below which, only names can be read.
        devices: files to read and write, such as /dev/null.
        writable: directory to read and write below.

    Raises:
        OSError: the kernel has no Landlock, or does not allow it here.
    """
    version = find_version()
    handled = _handled_files(version)
    ruleset = _make_ruleset(version, handled)
    try:
        for path in readable:
            _allow(ruleset, path, _READ & handled)
        for path in listable:
            _allow(ruleset, path, _READ_DIR)
        for path in devices:
            _allow(ruleset, path, (_READ_FILE | _WRITE | _DEVICE_CONTROL) & handled)
        _allow(ruleset, writable, _KEEP & handled)
        _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _handled_files(version: int) -> int:
    handled = _ALL_OF_V1
    for since, right in (
        (_V_REFER, _REFER),
        (_V_TRUNCATE, _TRUNCATE),
        (_V_DEVICES, _DEVICE_CONTROL),
    ):
        if version >= since:
            handled |= right
    return handled


def _make_ruleset(version: int, handled: int) -> int:
    ruleset = _Ruleset(
        handled_access_fs=handled,
        handled_access_net=_ALL_TCP if version >= _V_TCP else 0,
        scoped=_ALL_SCOPES if version >= _V_SCOPES else 0,
    )
    # Older kernels know fewer fields, and refuse none that are zero.
    return _check(_libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0))


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not path.is_dir():
            rights &= _OF_FILES
        rule = _PathBeneath(allowed_access=rights, parent_fd=fd)
        _check(_libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(fd)


def _check(status: int) -> int:
    if status < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return status
