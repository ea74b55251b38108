from email.message import EmailMessage

import pytest

from schemas.errors import EncryptedMedia, UnreadableMedia
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.office import read_office


def mail(subject="Caf\u00e9"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.org", "c@d.org", subject
    return message


def read(tmp_path, data):
    return read_office(media_file(tmp_path, data, tiny.EML))


def roles(prepared):
    return [(s.role, s.text) for s in prepared.texts[0]]


def test_read_office_reads_headers_and_the_plain_body(tmp_path):
    message = mail()
    message.set_content("Hello\n\nGrüße")
    message.add_alternative("<p>Hello in HTML</p>", subtype="html")

    prepared = read(tmp_path, message.as_bytes())

    assert roles(prepared) == [
        ("header", "From: a@b.org\nTo: c@d.org\nSubject: Caf\u00e9"),
        ("paragraph", "Hello"),
        ("paragraph", "Grüße"),
    ]
    assert prepared.facts.extra == {"title": "Caf\u00e9", "author": "a@b.org"}


@pytest.mark.parametrize(
    ("date", "created"),
    [("Thu, 07 May 2026 09:30:00 +0200", "2026-05-07T09:30:00+02:00"), ("some day", "some day")],
)
def test_read_office_states_when_a_mail_was_sent(tmp_path, date, created):
    data = f"From: a@b.org\nDate: {date}\n\nbody".encode()
    assert read(tmp_path, data).facts.extra["created"] == created


def test_read_office_reads_the_html_body_if_there_is_no_other(tmp_path):
    message = mail()
    message.set_content("<h1>Hi</h1><script>x</script>", subtype="html")
    assert roles(read(tmp_path, message.as_bytes()))[1:] == [("heading", "# Hi")]


def test_read_office_names_attachments_and_leaves_them_closed(tmp_path):
    message = mail()
    message.set_content("see attachment")
    message.add_attachment(b"12345", maintype="image", subtype="png", filename="a.png")

    prepared = read(tmp_path, message.as_bytes())

    assert prepared.facts.extra["attachments"] == [
        {"name": "a.png", "mime_type": "image/png", "size_bytes": 5}
    ]
    assert len(prepared.texts[0]) == 2


def test_read_office_reads_a_mail_without_a_body(tmp_path):
    message = mail()
    message.add_attachment(b"1", maintype="image", subtype="png", filename="a.png")
    assert [role for role, _ in roles(read(tmp_path, message.as_bytes()))] == ["header"]


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-8"])
def test_read_office_stands_a_wrong_charset(tmp_path, charset):
    data = f"From: a\nSubject: b\nContent-Type: text/plain; charset={charset}\n\nCaf".encode()
    assert roles(read(tmp_path, data + b"\xe9 in a longer line"))[1][1].startswith("Caf")


def test_read_office_stands_bytes_in_a_header(tmp_path):
    assert "Caf" in roles(read(tmp_path, b"From: a\nSubject: Caf\xe9\n\nbody"))[0][1]


def test_read_office_says_that_a_mail_is_encrypted(tmp_path):
    data = b"From: a\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nMIIB"
    with pytest.raises(EncryptedMedia):
        read(tmp_path, data)


def test_read_office_refuses_what_is_no_mail(tmp_path):
    with pytest.raises(UnreadableMedia, match="no header"):
        read(tmp_path, b"just text")
