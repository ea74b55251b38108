import pytest

from schemas.errors import EncryptedMedia, UnreadableMedia
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import DATA, media_at, media_file
from workers.media.office import read_office
from workers.media.structure import extract


def roles(prepared):
    return [(s.role, s.text) for s in prepared.texts[0]]


def paragraph(text):
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_read_office_reads_a_docx_in_order(tmp_path):
    cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("a", "b"))
    body = paragraph("before") + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>" + paragraph("after")

    prepared = read_office(media_file(tmp_path, tiny.docx(body), tiny.DOCX))

    assert roles(prepared) == [
        ("paragraph", "before"),
        ("table", "| a | b |\n| --- | --- |"),
        ("paragraph", "after"),
    ]
    assert prepared.facts.n_pages is None


def test_read_office_reads_rtf(tmp_path):
    data = rb"{\rtf1\ansi One paragraph.\par Another.\par}"
    prepared = read_office(media_file(tmp_path, data, "application/rtf"))
    assert [s.text for s in prepared.texts[0]] == ["One paragraph.", "Another."]


def test_extract_refuses_a_broken_file(tmp_path):
    with pytest.raises(UnreadableMedia):
        extract(media_file(tmp_path, tiny.archive({"a": "b"}), tiny.DOCX))


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("password_protected.xls", "application/vnd.ms-excel"),
        ("fake-encrypted.msg", "application/vnd.ms-outlook"),
    ],
)
def test_extract_says_that_a_file_is_encrypted(tmp_path, name, mime_type):
    path = DATA / "malformed/office" / name
    if not path.exists():
        pytest.skip("the shared test media are absent")
    with pytest.raises(EncryptedMedia):
        extract(media_at(path, tmp_path, mime_type))


def test_read_office_reads_old_word_files(tmp_path):
    path = DATA / "document/docling-doc/legacy_sample.doc"
    if not path.exists():
        pytest.skip("the shared test media are absent")
    prepared = read_office(media_at(path, tmp_path, "application/msword"))
    assert len(prepared.texts[0]) > 1
    assert prepared.facts.n_pages is None


def test_read_office_names_sender_and_subject_of_an_outlook_message(tmp_path):
    path = DATA / "document/unstructured/fake-email.msg"
    if not path.exists():
        pytest.skip("the shared test media are absent")
    header, *body = roles(read_office(media_at(path, tmp_path, "application/vnd.ms-outlook")))
    assert header[0] == "header"
    assert "Subject: Test Email" in header[1]
    assert "Roses are red" in body[0][1]
