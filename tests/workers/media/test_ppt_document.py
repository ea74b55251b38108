from contextlib import closing

import pytest

from schemas.errors import EncryptedMedia, UnreadableMedia
from tests.workers.media import tiny_ppt as tiny
from tests.workers.media.tiny_compound import compound
from workers.media.compound import Compound
from workers.media.ppt_document import open_ppt


def opened(tmp_path, data):
    path = tmp_path / "deck.ppt"
    path.write_bytes(data)
    with closing(Compound(path, path.name)) as file:
        return open_ppt(file)


def test_slides_are_found_in_order_with_notes_and_outline(tmp_path):
    deck = tiny.presentation(
        tiny.slide(notes=257),
        tiny.slide(is_hidden=True),
        notes=(tiny.notes("a"), tiny.notes("b")),
        outlines={1: tiny.text("kept apart")},
    )
    document = opened(tmp_path, deck)

    first, second = (document.slide(i) for i in range(len(document)))
    assert first.notes is not None
    assert b"b" in bytes(first.notes.body)
    assert second.notes is None
    assert [first.is_hidden, second.is_hidden] == [False, True]
    assert [len(first.outline), len(second.outline)] == [0, 2]


def test_pictures_are_told_by_where_they_are(tmp_path):
    document = opened(tmp_path, tiny.presentation(tiny.slide(), pictures=(bytes(77), b"x")))

    assert document.picture_offsets() == [0, 77]


def test_newer_edits_replace_what_is_older(tmp_path):
    document = opened(tmp_path, tiny.presentation(tiny.slide(), edits=[tiny.slide(notes=5)]))

    assert len(document) == 1
    assert bytes(document.slide(0).record.body[24:28]) == b"\x05\0\0\0"


def test_an_encrypted_file_is_told(tmp_path):
    with pytest.raises(EncryptedMedia):
        opened(tmp_path, tiny.presentation(tiny.slide(), token=0xF3D1C4DF))


@pytest.mark.parametrize(
    ("user", "why"),
    [(bytes(20), "names no edit"), (b"1", "a broken presentation"), (b"\x05" * 20, "USER_EDIT")],
)
def test_a_file_whose_edits_are_nowhere_is_unreadable(tmp_path, user, why):
    with pytest.raises(UnreadableMedia, match=why):
        opened(tmp_path, compound({"PowerPoint Document": bytes(64), "Current User": user}))


def test_an_object_that_is_nowhere_is_unreadable(tmp_path):
    deck = tiny.presentation(tiny.slide(), document=99)

    with pytest.raises(UnreadableMedia, match="object 99"):
        opened(tmp_path, deck)
