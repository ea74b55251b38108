import pypdfium2 as pdfium
import pytest

from tests.workers.media.tiny_pdf import pdf_of
from workers.media.pdf_facts import document_facts, iso_date


def test_facts_leave_out_what_the_document_does_not_say():
    with pdfium.PdfDocument(pdf_of("", title="A \xe9tude")) as document:
        assert document_facts(document) == {"encrypted": False, "title": "A \xe9tude"}


def test_facts_tell_dates_and_makers():
    about = ")/Author(Ada)/CreationDate(D:20240430110230-07'00')/Producer(PDFium"
    with pdfium.PdfDocument(pdf_of("", title=about)) as document:
        facts = document_facts(document)

    assert facts["author"] == "Ada"
    assert facts["created"] == "2024-04-30T11:02:30-07:00"
    assert facts["producer"] == "PDFium"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("D:20220626105843+02'00'", "2022-06-26T10:58:43+02:00"),
        ("D:20250205211425Z", "2025-02-05T21:14:25Z"),
        ("D:20240822125427Z00'00'", "2024-08-22T12:54:27Z"),
        ("D:20160119123847", "2016-01-19T12:38:47"),
        ("20160119", "2016-01-19"),
        ("D:2016", "2016-01-01"),
        ("D:20161340", "D:20161340"),
        ("D:20160119123847+99'00'", "D:20160119123847+99'00'"),
        ("last Tuesday", "last Tuesday"),
    ],
)
def test_dates_are_those_of_iso_8601(value, expected):
    assert iso_date(value) == expected
