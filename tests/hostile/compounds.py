"""Compound files (PPT, MSG) that loop, nest, and claim the same bytes again and again."""

import struct

from schemas.errors import MediaTooLarge, UnreadableMedia
from tests.hostile.rows import HARMLESS, Lure, Row
from tests.workers.media import tiny_outlook, tiny_ppt
from tests.workers.media.tiny_compound import CUTOFF, SECTOR, Again, compound
from workers.media.ppt_records import Kind

_SLIDE = tiny_ppt.slide(tiny_ppt.shape(tiny_ppt.text(HARMLESS)))


def looping(_: Lure) -> bytes:
    """Every stream goes on in the sector in which it began, for what it claims are 2 GiB."""
    data = bytearray(tiny_ppt.presentation(_SLIDE, pictures=(bytes(2 * CUTOFF),)))
    table = SECTOR * (1 + struct.unpack_from("<I", data, 76)[0])
    n_sectors = (len(data) - SECTOR) // SECTOR
    for sector in range(n_sectors):
        at = table + 4 * sector
        if struct.unpack_from("<I", data, at)[0] == sector + 1:
            struct.pack_into("<I", data, at, sector)
    name = "PowerPoint Document".encode("utf-16-le")
    struct.pack_into("<Q", data, data.index(name) + 120, 1 << 31)
    return bytes(data)


def nested_groups(_: Lure) -> bytes:
    """Groups in groups, 20,000 deep."""
    group = tiny_ppt.shape(tiny_ppt.text("deep"))
    for _level in range(20_000):
        group = struct.pack("<HHI", 0xF, Kind.GROUP, len(group)) + group
    return tiny_ppt.presentation(_SLIDE, tiny_ppt.slide(group))


def repeated_slide(_: Lure) -> bytes:
    """A slide of a megabyte that is listed 4,000 times."""
    slide = tiny_ppt.slide(tiny_ppt.shape(tiny_ppt.text(HARMLESS + " x" * 500_000)))
    return tiny_ppt.presentation(slide, n_showings=4_000)


def many_slides(_: Lure) -> bytes:
    """A slide that is listed 100,000 times."""
    return tiny_ppt.presentation(_SLIDE, n_showings=100_000)


def many_styles(_: Lure) -> bytes:
    """A style of its own for each of 100,000 paragraphs."""
    style = struct.pack("<IHIH", 2, 0, 1, 1) * 100_000
    text = tiny_ppt.text("x\r" * 99_999 + HARMLESS, style=style)
    return tiny_ppt.presentation(tiny_ppt.slide(tiny_ppt.shape(text)))


def wide_table(_: Lure) -> bytes:
    """Cells that share no edge with each other."""
    cells = [((n * 9, n * 9, 2**30 - n * 9, 2**30 - n * 9), "x") for n in range(20_000)]
    return tiny_ppt.presentation(tiny_ppt.slide(tiny_ppt.table(*cells, at=(0, 0))), _SLIDE)


def shared_attachments(_: Lure) -> bytes:
    """Nine hundred attachments that are all the same two megabytes."""
    streams = tiny_outlook.folder(Subject="s", Body=HARMLESS)
    place = "__attach_version1.0_#{:08X}/__substg1.0_37010102"
    streams[place.format(0)] = bytes(2 << 20)
    return compound(streams | {place.format(n): Again(place.format(0)) for n in range(1, 900)})


def nested_messages(_: Lure) -> bytes:
    """Messages in messages, 200 deep."""
    message = tiny_outlook.folder(Subject="s", Body="deep")
    for _level in range(200):
        message = tiny_outlook.folder(
            tiny_outlook.attached_message("m", message), Subject="s", Body=HARMLESS
        )
    return compound(message)


_ARCHIVE, _NESTING = "archive tricks", "nesting"

ROWS = [
    Row(_ARCHIVE, "loop.ppt", looping, (UnreadableMedia,), says="its streams claim"),
    Row(_NESTING, "groups.ppt", nested_groups, says=HARMLESS),
    Row(_ARCHIVE, "repeated.ppt", repeated_slide, says=HARMLESS),
    Row(_ARCHIVE, "many.ppt", many_slides, (MediaTooLarge,), says="100000 slides"),
    Row(_ARCHIVE, "styles.ppt", many_styles, says=HARMLESS),
    Row(_ARCHIVE, "table.ppt", wide_table, says=HARMLESS),
    Row(_ARCHIVE, "shared.msg", shared_attachments, (UnreadableMedia,), says="its streams claim"),
    Row(_NESTING, "deep.msg", nested_messages, (UnreadableMedia,), says="nested too deep"),
]
