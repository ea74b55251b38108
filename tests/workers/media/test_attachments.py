from email.message import EmailMessage

import pytest

from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.attachments import read_mail


def mail(subject="Invoice"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.org", "c@d.org", subject
    message.set_content("see attachment")
    return message


def read(tmp_path, message, depth=0, **limits):
    data = message if isinstance(message, bytes) else message.as_bytes()
    media = media_file(tmp_path, data, tiny.EML, **limits)
    object.__setattr__(media, "depth", depth)
    return read_mail(media)


def contents(prepared):
    return {member.name: member.path.read_bytes() for member in prepared.members}


def test_attachments_are_written_beside_the_text(tmp_path):
    message = mail()
    message.add_attachment(b"12345", maintype="image", subtype="png", filename="a.png")
    message.add_attachment("caf\u00e9", filename="b.txt")

    prepared = read(tmp_path, message)

    assert contents(prepared) == {"a.png": b"12345", "b.txt": "caf\u00e9\n".encode()}
    assert [s.text for s in prepared.texts[0]][1:] == ["see attachment"]
    assert prepared.failures == []


def test_bodies_are_not_attachments(tmp_path):
    message = mail()
    message.add_alternative("<p>see attachment</p>", subtype="html")

    assert contents(read(tmp_path, message)) == {}


def test_picture_inside_the_body_is_one(tmp_path):
    message = mail()
    message.add_alternative("<img src='cid:1'>", subtype="html")
    html = message.get_payload()[1]
    html.add_related(b"123", maintype="image", subtype="png", cid="<1>", filename="logo.png")

    assert contents(read(tmp_path, message)) == {"logo.png": b"123"}


def test_mail_in_a_mail_keeps_its_own_attachments(tmp_path):
    inner = mail("The / first")
    inner.add_attachment(b"12345", maintype="image", subtype="png", filename="a.png")
    outer = mail("Fwd")
    outer.add_attachment(inner)

    (name, data), *others = contents(read(tmp_path, outer)).items()

    assert (name, others) == ("The - first.eml", [])
    (tmp_path / "inner").mkdir()
    assert contents(read(tmp_path / "inner", data)) == {"a.png": b"12345"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../climbed.txt", "climbed.txt"),
        ("C:\\\\windows\\\\x.txt", "x.txt"),
        ("C:x.txt", "x.txt"),
        ("..", "attachment 1"),
        ("a\tb.txt", "a b.txt"),
    ],
)
def test_name_is_the_last_part_of_what_the_mail_says(tmp_path, name, shown):
    part = f'Content-Disposition: attachment; filename="{name}"'.encode()
    head = b"From: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    data = head + b"--b\r\n\r\nhello\r\n--b\r\n" + part + b"\r\n\r\nx\r\n--b--\r\n"

    assert list(contents(read(tmp_path, data))) == [shown]


def test_attachment_that_is_not_base64_is_kept_as_it_is(tmp_path):
    head = b"From: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    part = b"Content-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: base64\r\n"
    data = head + b"--b\r\n\r\nhello\r\n--b\r\n" + part + b"\r\n\xff\xfe\r\n--b--\r\n"

    assert list(contents(read(tmp_path, data))) == ["a"]


def test_mail_too_deep_inside_others_keeps_its_text(tmp_path):
    message = mail()
    message.add_attachment(b"12345", maintype="image", subtype="png", filename="a.png")

    prepared = read(tmp_path, message, depth=3)

    assert contents(prepared) == {}
    assert [s.text for s in prepared.texts[0]][1:] == ["see attachment"]
    assert [failure.category for failure in prepared.failures] == ["MediaTooLarge"]
