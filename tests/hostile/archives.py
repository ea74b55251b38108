"""Archives that grow, nest, climb, link or lie; their members are not opened here."""

import stat
import zipfile
from io import BytesIO

from schemas.errors import EncryptedMedia, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from tests.hostile.rows import Lure, Row, same
from tests.workers.media.tiny_office import archive

_BIG, _NONE = (MediaTooLarge,), (UnsupportedMedia,)
_ARCHIVE = "archive tricks"


def zip_of(n_members: int, content: bytes = b"x") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for n in range(n_members):
            file.writestr(f"{n}.txt", content)
    return out.getvalue()


def zeros(n_bytes: int) -> bytes:
    """Zeros without end in one member."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file, file.open("zeros", "w") as part:
        for _ in range(n_bytes >> 20):
            part.write(bytes(1 << 20))
    return out.getvalue()


def many_zeros(_: Lure) -> bytes:
    """A gibibyte in many members, none of which is large."""
    return archive({f"{n}": bytes(32 << 20) for n in range(32)})


def nested(_: Lure) -> bytes:
    """`42.zip`: archives of archives; one level is opened here, the rest is a child's."""
    inner = zeros(64 << 20)
    for _level in range(5):
        inner = archive({f"lib {n}.zip": inner for n in range(16)})
    return inner


def overlapping(_: Lure) -> bytes:
    """1,000 members that are all the same bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(4 << 20))
        known = file.getinfo("a")
        for n in range(1000):
            again = zipfile.ZipInfo(str(n))
            again.compress_type = zipfile.ZIP_DEFLATED
            for field in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(again, field, getattr(known, field))
            file.filelist.append(again)
    return out.getvalue()


def linked(lure: Lure) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, lure.path)
        file.writestr("good.txt", "x")
    return out.getvalue()


def locked(_: Lure) -> bytes:
    data = bytearray(archive({"secret.txt": "x"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def miscounted(_: Lure) -> bytes:
    """A directory that claims a member of four gibibytes in a few bytes."""
    data = bytearray(archive({"a.txt": "x"}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = b"\xfe\xff\xff\xff"
    return bytes(data)


ROWS = [
    Row(_ARCHIVE, "climbing.zip", same(archive({"../../climbed": "x"})), _NONE, says="leads out"),
    Row(_ARCHIVE, "mixed.zip", same(archive({"../../climbed": "x", "good.txt": "y"}))),
    Row(_ARCHIVE, "linked.zip", linked),
    Row(_ARCHIVE, "locked.zip", locked, (EncryptedMedia,), says="password"),
    Row(_ARCHIVE, "zeros.zip", lambda _: zeros(1 << 30), _BIG, says="unpack to more"),
    Row(_ARCHIVE, "many.zip", many_zeros),
    Row(_ARCHIVE, "42.zip", nested),
    Row(_ARCHIVE, "overlapping.zip", overlapping, (UnreadableMedia,), says="share their bytes"),
    Row(_ARCHIVE, "100000.zip", lambda _: zip_of(100_000)),
    Row(_ARCHIVE, "miscounted.zip", miscounted, _BIG, says="unpack to more"),
]
