from io import BytesIO

import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media.tiny_pdf import media_file
from workers.media.member_files import MemberFiles


@pytest.fixture
def media(tmp_path):
    return media_file(tmp_path, b"archive", "application/zip")


def add(members, name, content):
    members.add(name, BytesIO(content), len(content))


def test_bytes_are_counted_as_they_come(media, tmp_path):
    members = MemberFiles(media, n_bytes=10)

    members.add("liar", BytesIO(bytes(11)), 1)
    add(members, "fits", bytes(10))
    add(members, "too much", b"1")

    assert [file.name for file in members.files] == ["fits"]
    assert sorted(path.name for path in tmp_path.glob("member-*")) == ["member-000000"]
    (failure,) = members.failures
    assert failure.message == "liar, too much: not opened, 7 bytes unpack to more than 10"


def test_reasons_are_told_once(media):
    members = MemberFiles(media, n_bytes=10)
    for n in range(5):
        members.refuse(f"{n}", UnreadableMedia, "its bytes are broken")

    (failure,) = members.failures

    assert failure.message == "0, 1, 2 and 2 more: not opened, its bytes are broken"
    assert members.n_found == 5


def test_nothing_found_is_no_failure(media):
    MemberFiles(media, n_bytes=10).check_any()


def test_file_of_refused_members_only_is_refused(media):
    members = MemberFiles(media, n_bytes=10)
    members.refuse("a", UnreadableMedia, "its bytes are broken")

    with pytest.raises(UnreadableMedia, match="object: a: not opened"):
        members.check_any()


def test_control_characters_are_spelt_out(media):
    members = MemberFiles(media, n_bytes=10)
    add(members, "a\x1b[31m\ud800", b"1")

    assert "\\x1b" in members.failures[0].message
    assert members.failures[0].message.isprintable()
