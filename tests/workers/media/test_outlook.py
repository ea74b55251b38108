from email import message_from_bytes, policy

import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media import tiny_outlook as tiny
from tests.workers.media.media_files import media_file
from tests.workers.media.tiny_compound import compound
from workers.media.compound import Compound
from workers.media.outlook import read_outlook


def read(tmp_path, data, **limits):
    path = tmp_path / "mail.msg"
    path.write_bytes(data)
    return read_outlook(media_file(path, tmp_path, **limits))


def contents(prepared):
    return {member.name: member.path.read_bytes() for member in prepared.members}


def mail_in(prepared):
    [member] = prepared.members
    return message_from_bytes(member.path.read_bytes(), policy=policy.default)


def test_attached_files_are_written_beside_the_text(tmp_path):
    large = bytes(range(256)) * 40
    files = [tiny.attached("caf\u00e9.pdf", b"12345"), tiny.attached("../b.bin", large)]

    prepared = read(tmp_path, tiny.message(*files, Subject="Papers", Body="see attachment"))

    assert contents(prepared) == {"caf\u00e9.pdf": b"12345", "b.bin": large}
    assert "see attachment" in [s.text for s in prepared.texts[0]]
    assert prepared.failures == []


def test_message_in_a_message_becomes_a_mail_with_its_attachments(tmp_path):
    file = tiny.attached("caf\u00e9.pdf", b"12345")
    inner = tiny.folder(
        file, Subject="Gr\u00fc\u00dfe", Body="inside\n", Sender="Ann", To="Bob; Doe, Jane"
    )
    outer = tiny.message(tiny.attached_message("A / mail", inner), Subject="Fwd", Body="outside")

    prepared = read(tmp_path, outer)

    assert [member.name for member in prepared.members] == ["A - mail.eml"]
    mail = mail_in(prepared)
    assert (mail["Subject"], mail["From"], mail["To"]) == (
        "Gr\u00fc\u00dfe",
        "Ann",
        'Bob, "Doe, Jane"',
    )
    assert mail["Date"].datetime.isoformat() == "2024-03-01T12:00:00+00:00"
    body, attachment = mail.iter_parts()
    assert body.get_content() == "inside\n"
    assert (attachment.get_filename(), attachment.get_content()) == ("caf\u00e9.pdf", b"12345")


def test_messages_in_messages_are_kept_to_the_last_level(tmp_path):
    inner = tiny.folder(tiny.attached("a.txt", b"deep"), Subject="third", Body="3")
    middle = tiny.folder(tiny.attached_message("third", inner), Subject="second", Body="2")
    outer = tiny.message(tiny.attached_message("second", middle), Subject="first", Body="1")

    whole = mail_in(read(tmp_path, outer))
    cut = mail_in(read(tmp_path, outer, n_levels=1))

    assert [part.get_filename() for part in whole.walk() if part.get_filename()] == ["a.txt"]
    assert [part.get_filename() for part in cut.walk() if part.get_filename()] == []


def test_html_is_read_where_there_is_no_other_text(tmp_path):
    streams = {**tiny.folder(Subject="page"), "__substg1.0_10130102": b"<h1>Hello</h1>"}

    prepared = read(tmp_path, compound(streams))

    assert [(s.role, s.text) for s in prepared.texts[0]][1:] == [("heading", "# Hello")]


def test_html_is_the_body_of_a_message_that_has_no_other(tmp_path):
    inner = {**tiny.folder(Subject="page"), "__substg1.0_10130102": b"<p>Hello</p>"}
    prepared = read(tmp_path, tiny.message(tiny.attached_message("page", inner), Subject="x"))

    [body] = mail_in(prepared).iter_parts()
    assert (body.get_content_type(), body.get_content()) == ("text/html", "<p>Hello</p>")


def test_what_is_attached_and_no_file_is_told(tmp_path):
    drawing = {tiny.FIXED: bytes(8), "__substg1.0_3701000D/CONTENTS": b"123"}

    prepared = read(tmp_path, tiny.message(drawing, Subject="Papers", Body="text"))

    [failure] = prepared.failures
    assert failure.category == "UnsupportedMedia"
    assert failure.message == "attachment 1: not opened, another program's object is no file"
    assert prepared.members == []


def test_a_broken_attachment_is_a_failure_beside_the_others(tmp_path, monkeypatch):
    whole = Compound.read

    def read_but_one(self, path):
        if path.startswith("__attach_version1.0_#00000000/"):
            raise UnreadableMedia("a sector is nowhere")
        return whole(self, path)

    monkeypatch.setattr(Compound, "read", read_but_one)
    files = [tiny.attached(name, b"1") for name in ("a.bin", "b.bin")]

    prepared = read(tmp_path, tiny.message(*files, Subject="Papers", Body="text"))

    assert list(contents(prepared)) == ["b.bin"]
    assert [failure.message for failure in prepared.failures] == [
        "attachment 1: not opened, its bytes are broken"
    ]


def test_too_many_attachments_are_told(tmp_path):
    files = [tiny.attached(name, b"1") for name in ("a.bin", "b.bin")]

    prepared = read(tmp_path, tiny.message(*files, Subject="Papers", Body="text"), n_members=1)

    assert list(contents(prepared)) == ["a.bin"]
    assert [failure.category for failure in prepared.failures] == ["MediaTooLarge"]


def test_dates_that_no_calendar_has_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny, "NOON", 2**64 - 1)
    inner = tiny.folder(Subject="late", Body="text")

    mail = mail_in(read(tmp_path, tiny.message(tiny.attached_message("late", inner), Subject="x")))

    assert "Date" not in mail


def test_a_broken_file_is_unreadable(tmp_path):
    data = tiny.message(tiny.attached("a.bin", b"1"), Subject="Papers", Body="text")

    with pytest.raises(UnreadableMedia):
        read(tmp_path, data[:1500])
