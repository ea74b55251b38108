"""Compound files ([MS-CFB]) made for one test each."""

import struct
from typing import NamedTuple

SECTOR, MINI_SECTOR, CUTOFF = 512, 64, 4096
FREE, END, FAT, NOTHING = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


class Again(NamedTuple):
    """A stream that has the bytes of another."""

    path: str


def compound(streams: "dict[str, bytes | Again]") -> bytes:
    """A compound file of streams; paths with slashes make storages."""
    shared = {path: one.path for path, one in streams.items() if isinstance(one, Again)}
    sectors, fat = bytearray(), []

    def add(data: bytes) -> int:
        return _chain(sectors, fat, data, SECTOR)

    mini, mini_fat = bytearray(), []
    starts = {
        path: _chain(mini, mini_fat, data, MINI_SECTOR) if len(data) < CUTOFF else add(data)
        for path, data in streams.items()
        if not isinstance(data, Again)
    }
    starts |= {path: starts[other] for path, other in shared.items()}
    streams = {path: streams[shared.get(path, path)] for path in streams}
    root_start = add(bytes(mini))
    mini_fat_start = add(_words(mini_fat))
    directory_start = add(_directory(streams, starts, root_start, len(mini)))
    n_fat = 1
    while (len(fat) + n_fat) * 4 > n_fat * SECTOR:
        n_fat += 1
    fat_starts = range(len(fat), len(fat) + n_fat)
    sectors += _padded(_words([*fat, *[FAT] * n_fat]), SECTOR, b"\xff")
    n_mini_fat = -(-len(mini_fat) * 4 // SECTOR)
    return _header(n_fat, directory_start, mini_fat_start, n_mini_fat, fat_starts) + bytes(sectors)


def _chain(sectors: bytearray, fat: list[int], data: bytes, size: int) -> int:
    """Append data; the number of its first sector."""
    if not data:
        return END
    first, n_sectors = len(fat), -(-len(data) // size)
    sectors += _padded(data, size)
    fat += [*range(first + 1, first + n_sectors), END]
    return first


def _directory(
    streams: dict[str, bytes], starts: dict[str, int], root_start: int, n_mini: int
) -> bytes:
    """The root, storages and streams; brothers are a chain to the right."""
    paths = {""}
    for path in streams:
        parts = path.split("/")
        paths |= {"/".join(parts[:n]) for n in range(1, len(parts) + 1)}
    order = sorted(paths, key=_rank)
    entries = b""
    for path in order:
        inside = [p for p in order if p and p.rpartition("/")[0] == path and p != path]
        after = order[order.index(path) + 1 :]
        brothers = [p for p in after if path and _folder(p) == _folder(path)]
        child = order.index(inside[0]) if inside and path not in streams else NOTHING
        right = order.index(brothers[0]) if brothers else NOTHING
        if not path:
            entries += _entry("Root Entry", 5, NOTHING, child, root_start, n_mini)
        elif path in streams:
            name, size = path.rpartition("/")[2], len(streams[path])
            entries += _entry(name, 2, right, NOTHING, starts[path], size)
        else:
            entries += _entry(path.rpartition("/")[2], 1, right, child, 0, 0)
    return entries


def _rank(path: str) -> tuple[int, str]:
    """Names are ordered by their length first; the root comes before all."""
    name = path.rpartition("/")[2]
    return len(name), name.upper()


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    wide = f"{name}\0".encode("utf-16-le")
    head = struct.pack("<64sHBBIII", wide, len(wide), kind, 1, NOTHING, right, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)


def _header(n_fat: int, directory: int, mini_fat: int, n_mini_fat: int, fat_starts: range) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, n_fat, directory, 0, CUTOFF, mini_fat, n_mini_fat, END, 0)
    return _padded(head + _words(list(fat_starts)), SECTOR, b"\xff")


def _words(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _padded(data: bytes, size: int, with_: bytes = b"\0") -> bytes:
    return bytes(data) + with_ * (-len(data) % size)
