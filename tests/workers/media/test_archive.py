import stat
import zipfile
from io import BytesIO

import pytest

from schemas.errors import EncryptedMedia, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from tests.workers.media.tiny_office import archive
from tests.workers.media.tiny_pdf import media_file
from workers.media.archive import read_archive

ZIP = "application/zip"


def read(tmp_path, data, depth=0, **limits):
    media = media_file(tmp_path, data, ZIP, **limits)
    object.__setattr__(media, "depth", depth)
    return read_archive(media)


def contents(prepared):
    return {member.name: member.path.read_bytes() for member in prepared.members}


def reasons(prepared):
    return [(failure.category, failure.message) for failure in prepared.failures]


def packed(*entries, **about):
    """Members in order, with fields of their entries changed."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            for field, value in about.get(name, {}).items():
                setattr(entry, field, value)
            target.writestr(entry, content)
    return out.getvalue()


def test_members_lie_under_names_of_ours(tmp_path):
    prepared = read(tmp_path, archive({"a.txt": "one", "folder/b.txt": "two", "folder/": ""}))

    assert contents(prepared) == {"a.txt": b"one", "folder/b.txt": b"two"}
    assert {member.path.parent for member in prepared.members} == {tmp_path}
    assert all(member.path.name.startswith("member-") for member in prepared.members)
    assert prepared.facts.extra == {"n_members": 2}
    assert prepared.failures == []


@pytest.mark.parametrize(
    "name",
    [
        "../climbed",
        "a/../../b",
        "/etc/passwd",
        "C:\\x",
        "\\\\host\\x",
        "..\\x",
        "a\x1bb",
        "..",
        ".",
    ],
)
def test_name_that_leads_out_is_refused(tmp_path, name):
    prepared = read(tmp_path, packed((name, "x"), ("good.txt", "y")))

    assert contents(prepared) == {"good.txt": b"y"}
    ((category, message),) = reasons(prepared)
    assert category == "UnsupportedMedia"
    assert "its name" in message


def test_name_that_is_too_long_is_refused(tmp_path):
    prepared = read(tmp_path, packed(("x" * 801, "x"), ("y" * 800, "y")))

    assert list(contents(prepared)) == ["y" * 800]


def test_links_and_devices_are_refused(tmp_path):
    link = {"external_attr": (stat.S_IFLNK | 0o777) << 16}
    prepared = read(tmp_path, packed(("link", "/etc/passwd"), ("good", "y"), link=link))

    assert contents(prepared) == {"good": b"y"}
    assert reasons(prepared) == [("UnsupportedMedia", "link: not opened, it is a link or a device")]


def test_names_that_are_there_twice_are_told_apart(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed(("a/x.txt", "1"), ("a/x.txt", "2"), ("a/x.txt", "3"))

    assert contents(read(tmp_path, data)) == {
        "a/x.txt": b"1",
        "a/x (2).txt": b"2",
        "a/x (3).txt": b"3",
    }


def encrypted(data):
    """Set the flag in both headers of the first member."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def test_member_behind_a_password_is_refused(tmp_path):
    prepared = read(tmp_path, encrypted(packed(("secret", "x"), ("good", "y"))))

    assert contents(prepared) == {"good": b"y"}
    assert reasons(prepared) == [("EncryptedMedia", "secret: not opened, it needs a password")]


def test_archive_behind_a_password_is_refused(tmp_path):
    with pytest.raises(EncryptedMedia, match="password"):
        read(tmp_path, encrypted(packed(("secret", "x"))))


def test_member_with_broken_bytes_is_refused(tmp_path):
    data = bytearray(archive({"bad": b"x" * 4000, "good": "y"}))
    data[40:44] = b"\xff\xff\xff\xff"

    prepared = read(tmp_path, bytes(data))

    assert contents(prepared) == {"good": b"y"}
    assert reasons(prepared) == [("UnreadableMedia", "bad: not opened, its bytes are broken")]


def test_member_of_an_unknown_method_is_refused(tmp_path):
    data = bytearray(packed(("odd", "x"), ("good", "y")))
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 97

    assert reasons(read(tmp_path, bytes(data))) == [
        ("UnsupportedMedia", "odd: not opened, packed by method 97")
    ]


def test_bomb_is_refused(tmp_path):
    with pytest.raises(MediaTooLarge, match="unpack to more than"):
        read(tmp_path, archive({"zeros": bytes(65 << 20)}))


def test_bomb_beside_others_is_left_out(tmp_path):
    prepared = read(tmp_path, archive({"a": "1", "zeros": bytes(65 << 20), "b": "2"}))

    assert contents(prepared) == {"a": b"1", "b": b"2"}
    assert [category for category, _ in reasons(prepared)] == ["MediaTooLarge"]


def test_header_that_claims_less_than_there_is_gives_no_more(tmp_path):
    """What the bytes unpack to counts, not the claim."""
    data = bytearray(archive({"zeros": bytes(1 << 20), "b": "2"}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")

    prepared = read(tmp_path, bytes(data))

    assert all(len(content) <= 10 for content in contents(prepared).values())


def test_members_that_share_their_bytes_are_refused(tmp_path):
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", b" " * 4000)
        again = zipfile.ZipInfo("b")
        known = file.getinfo("a")
        again.compress_type = zipfile.ZIP_DEFLATED
        for field in ("header_offset", "file_size", "compress_size", "CRC"):
            setattr(again, field, getattr(known, field))
        file.filelist.append(again)

    with pytest.raises(UnreadableMedia, match="share their bytes"):
        read(tmp_path, out.getvalue())


def test_members_beyond_the_limit_are_counted(tmp_path):
    data = packed(*((f"{n}.txt", str(n)) for n in range(100)))

    prepared = read(tmp_path, data, n_members=3)

    assert list(contents(prepared)) == ["0.txt", "1.txt", "2.txt"]
    message = "3.txt, 4.txt, 5.txt and 94 more: not opened, at most 3 members are"
    assert reasons(prepared) == [("MediaTooLarge", message)]
    assert prepared.facts.extra == {"n_members": 100}


def test_archive_too_deep_inside_others_is_refused(tmp_path):
    data = archive({"a": "1"})

    assert contents(read(tmp_path, data, depth=2)) == {"a": b"1"}
    with pytest.raises(MediaTooLarge, match="nested more than 3 deep"):
        read(tmp_path, data, depth=3)


def test_litter_of_file_managers_is_left_out(tmp_path):
    data = archive({"__MACOSX/._a.txt": "x", ".DS_Store": "x", "b/Thumbs.db": "x", "a.txt": "1"})

    prepared = read(tmp_path, data)

    assert (contents(prepared), reasons(prepared)) == ({"a.txt": b"1"}, [])


@pytest.mark.parametrize("data", [archive({"folder/": ""}), archive({}), archive({"a": "1"})[:-30]])
def test_empty_or_broken_archive_is_refused(tmp_path, data):
    with pytest.raises(UnreadableMedia):
        read(tmp_path, data)


def test_names_in_utf_8_that_do_not_say_so_are_read(tmp_path):
    data = packed(("\u00fc.txt", "x"))
    unmarked = bytearray(data)
    for at in (6, data.index(b"PK\x01\x02") + 8):
        unmarked[at + 1] &= ~0x08 & 0xFF

    assert list(contents(read(tmp_path, bytes(unmarked)))) == ["\u00fc.txt"]


def test_archive_of_which_nothing_can_be_opened_says_why(tmp_path):
    with pytest.raises(UnsupportedMedia, match="leads out"):
        read(tmp_path, packed(("../x", "1"), ("../y", "2")))
