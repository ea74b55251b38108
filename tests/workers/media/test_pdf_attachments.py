from io import BytesIO

import pypdfium2 as pdfium

from tests.workers.media.tiny_pdf import media_file, pdf_of, text_line
from workers.media import pdf_attachments
from workers.media.pages import read_pdf


def with_files(**files):
    """A page of text, and files; of None there is only the name."""
    with pdfium.PdfDocument(pdf_of(text_line(72, 700, "see attachment"))) as document:
        for name, data in files.items():
            attachment = document.new_attachment(name)
            if data is not None:
                attachment.set_data(data)
        out = BytesIO()
        document.save(out)
        return out.getvalue()


def read(tmp_path, data, **limits):
    return read_pdf(media_file(tmp_path, data, "application/pdf", **limits))


def test_attached_files_are_written_beside_the_pages(tmp_path):
    data = with_files(**{"caf\u00e9.txt": b"12345", "../b.bin": bytes(5000)})

    prepared = read(tmp_path, data)

    found = {member.name: member.path.read_bytes() for member in prepared.members}
    assert found == {"caf\u00e9.txt": b"12345", "b.bin": bytes(5000)}
    assert [s.text for s in prepared.texts[0]] == ["see attachment"]
    assert prepared.failures == []


def test_what_can_not_be_written_is_told(tmp_path):
    data = with_files(empty=None, first=b"1", second=b"2", third=b"3")

    prepared = read(tmp_path, data, n_members=1)

    assert [member.name for member in prepared.members] == ["first"]
    assert [failure.message for failure in prepared.failures] == [
        "empty: not opened, its bytes are broken, or nowhere",
        "second, third: not opened, at most 1 members are",
    ]


def test_a_large_one_is_not_unpacked_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf_attachments, "_MOST_BYTES", 10)

    prepared = read(tmp_path, with_files(large=bytes(11)))

    assert [failure.category for failure in prepared.failures] == ["MediaTooLarge"]
    assert prepared.members == []


def test_a_pdf_without_attachments_has_none(tmp_path):
    assert read(tmp_path, pdf_of(text_line(72, 700, "text"))).members == []
