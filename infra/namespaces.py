"""Linux namespaces: no network, no other processes' memory, and a file system of our choice.

Works without privilege where the kernel lets users make namespaces, and with privilege where it
does not. What is refused is left out: the sandbox's self-test says what holds in the end.
"""

import ctypes
import errno
import os
from collections.abc import Iterable
from pathlib import Path

#: CLONE_* of linux/sched.h.
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x00020000, 0x08000000, 0x10000000, 0x40000000
#: MS_* and MNT_DETACH of sys/mount.h.
_NO_SUID, _NO_DEVICES, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 4096, 16384, 1 << 18
_DETACH = 2
#: mount_setattr(2) has one number on every architecture; MOUNT_ATTR_* of linux/mount.h.
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_ATTR_READ_ONLY, _ATTR_NO_SUID, _ATTR_NO_DEVICES = 1, 2, 4
#: pivot_root(2) has no wrapper in libc.
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
#: PR_* of linux/prctl.h, and the header of capset(2).
_DROP_FROM_BOUNDING_SET, _NO_NEW_PRIVILEGES = 24, 38
_CAPABILITY_VERSION, _N_CAPABILITIES = 0x20080522, 64

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def isolate() -> None:
    """Leave the network, the mounts and the capabilities of other processes behind.

    Raises:
        OSError: the kernel allows none of it; nothing was changed.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        _check(_libc.unshare(_NEW_USER | _NEW_MOUNTS | _NEW_NETWORK | _NEW_IPC))
    except OSError:
        # User namespaces may be off for everyone; root needs none for the rest.
        _check(_libc.unshare(_NEW_MOUNTS | _NEW_NETWORK | _NEW_IPC))
        return
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def change_root(
    root: Path, *, readable: Iterable[Path], devices: Iterable[Path], writable: Path
) -> None:
    """Hide every file but these, which keep their paths; only `writable` can be written.

    Args:
        root: an empty directory of this process alone; what is mounted on it becomes `/`.
        readable: files and directories.
        devices: files to read and write, such as /dev/null.
        writable: a directory; it becomes the working directory.

    Raises:
        OSError: the kernel does not allow it here; the old root is still there.
    """
    _mount(None, Path("/"), None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", root, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=4m")
    safe = _ATTR_READ_ONLY | _ATTR_NO_SUID | _ATTR_NO_DEVICES
    for path in readable:
        _show(path, root, safe)
    for path in devices:
        _show(path, root, _ATTR_NO_SUID)
    _show(writable, root, _ATTR_NO_SUID | _ATTR_NO_DEVICES)
    os.chdir(root)
    _check(_libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."))
    _check(_libc.umount2(b".", _DETACH))
    _set_attributes(Path("/"), _ATTR_READ_ONLY, 0)
    os.chdir(writable)


def drop_capabilities() -> None:
    """Keep no privilege of root, and let no program that is started gain any."""
    for capability in range(_N_CAPABILITIES):
        _libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)  # refused for those unknown
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, none))
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))


def _show(path: Path, root: Path, attributes: int) -> None:
    """Make a path of the old root part of the one that is being built."""
    place = root / path.relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        place.symlink_to(path.readlink())
        return
    if path.is_dir():
        place.mkdir(exist_ok=True)
    elif not place.exists():
        place.touch()
    _mount(str(path), place, None, _BIND | _RECURSIVE)
    _set_attributes(place, attributes, _AT_RECURSIVE)


def _mount(
    source: str | None, place: Path, kind: str | None, flags: int, options: str | None = None
) -> None:
    text = [value.encode() if value else None for value in (source, str(place), kind, options)]
    _check(_libc.mount(*text[:3], ctypes.c_ulong(flags), text[3]))


def _set_attributes(place: Path, attributes: int, flags: int) -> None:
    wanted = _MountAttributes(attr_set=attributes)
    size = ctypes.sizeof(wanted)
    place_bytes = str(place).encode()
    _check(
        _libc.syscall(
            _MOUNT_SETATTR,
            _AT_FDCWD,
            place_bytes,
            flags,
            ctypes.byref(wanted),
            ctypes.c_size_t(size),
        )
    )


def _check(status: int) -> None:
    if status < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} ({errno.errorcode.get(number)})")
