import pytest

from schemas.asset import ArtifactKind
from schemas.errors import EncryptedMedia, MediaTooLarge, UnreadableMedia
from schemas.segment import Page, Region
from tests.workers.media.tiny_pdf import DATA, media_at, media_file, pdf_of, picture, text_line
from workers.media.media_file import SMALL_EDGE_PX
from workers.media.pages import read_pdf

BODY = "".join(text_line(72, 700 - 16 * i, f"Line number {i} of the body text") for i in range(9))
SCAN = picture(0, 0, 612, 792)


def kinds(prepared):
    return [(file.kind, file.part, len(file.images)) for file in prepared.artifacts]


def test_read_pdf_gives_lines_with_boxes_on_their_page(tmp_path):
    prepared = read_pdf(media_file(tmp_path, pdf_of(BODY, BODY)))

    first = prepared.texts[0][0]
    assert first.text == "Line number 0 of the body text"
    assert isinstance(first.locator, Region)
    assert first.locator.within == Page(page=1)
    assert first.locator.box.x0 == pytest.approx(72 / 612, abs=0.01)
    assert first.locator.box.y1 == pytest.approx(1 - 700 / 792, abs=0.01)
    assert [s.ordinal for s in prepared.texts[0]] == list(range(18))


def test_read_pdf_states_its_facts(tmp_path):
    facts = read_pdf(media_file(tmp_path, pdf_of(BODY, SCAN, title="Two pages", rotate=90))).facts

    assert facts.n_pages == 2
    assert facts.extra == {
        "title": "Two pages",
        "encrypted": False,
        "n_text_pages": 1,
        "n_scan_pages": 1,
        "page_rotations": [90, 90],
    }


def test_read_pdf_renders_text_pages_small_only(tmp_path):
    prepared = read_pdf(media_file(tmp_path, pdf_of(BODY)))

    assert kinds(prepared) == [(ArtifactKind.PAGES, 0, 1), (ArtifactKind.THUMBNAIL, 0, 0)]
    image = prepared.artifacts[0].images[0]
    assert (image.height_px, image.page) == (SMALL_EDGE_PX, 1)


def test_read_pdf_renders_scans_at_reading_size_as_well(tmp_path):
    prepared = read_pdf(media_file(tmp_path, pdf_of(BODY, SCAN)))

    scans = next(file for file in prepared.artifacts if file.kind is ArtifactKind.SCANS)
    assert [(image.page, image.height_px) for image in scans.images] == [(2, 2200)]
    pages = next(file for file in prepared.artifacts if file.kind is ArtifactKind.PAGES)
    assert [(image.page, image.height_px) for image in pages.images] == [(1, 448), (2, 448)]


def test_read_pdf_cuts_parts_of_32_pages(tmp_path):
    prepared = read_pdf(media_file(tmp_path, pdf_of(*[text_line(72, 700, "Some words")] * 33)))

    assert kinds(prepared)[:2] == [(ArtifactKind.PAGES, 0, 32), (ArtifactKind.PAGES, 1, 1)]
    assert [len(prepared.texts[part]) for part in (0, 1)] == [32, 1]
    assert prepared.texts[1][0].ordinal == 0


def test_read_pdf_marks_a_large_line_as_a_heading(tmp_path):
    prepared = read_pdf(media_file(tmp_path, pdf_of(text_line(72, 750, "Title", 24) + BODY)))

    assert [s.role for s in prepared.texts[0]] == ["heading"] + ["line"] * 9


def test_read_pdf_keeps_at_most_so_many_characters(tmp_path):
    prepared = read_pdf(media_file(tmp_path, pdf_of(BODY, BODY), n_chars=100))

    assert prepared.facts.n_pages == 2
    assert prepared.facts.extra["text_truncated"]
    assert {place(s) for s in prepared.texts[0]} == {1}


def place(segment):
    return segment.locator.within.page


def test_read_pdf_refuses_too_many_pages(tmp_path):
    with pytest.raises(MediaTooLarge, match="2 pages, at most 1"):
        read_pdf(media_file(tmp_path, pdf_of(BODY, BODY), n_pages=1))


def test_read_pdf_refuses_what_is_no_pdf(tmp_path):
    with pytest.raises(UnreadableMedia, match="not a readable PDF"):
        read_pdf(media_file(tmp_path, b"hello"))


def test_read_pdf_refuses_a_pdf_without_pages(tmp_path):
    with pytest.raises(UnreadableMedia):
        read_pdf(media_file(tmp_path, pdf_of()))


def test_read_pdf_goes_on_after_a_page_that_does_not_load(tmp_path):
    broken = pdf_of(BODY, BODY).replace(b"7 0 obj\n<</Type/Page", b"7 0 obj\n<</Type/Pag ")

    prepared = read_pdf(media_file(tmp_path, broken))

    assert [f.locator for f in prepared.failures] == [Page(page=2)]
    assert prepared.failures[0].category == "UnreadableMedia"
    assert len(prepared.texts[0]) == 9


def test_read_pdf_refuses_a_pdf_none_of_whose_pages_loads(tmp_path):
    broken = pdf_of(BODY).replace(b"<</Type/Page/", b"<</Type/Pag /")

    with pytest.raises(UnreadableMedia, match="no page can be read"):
        read_pdf(media_file(tmp_path, broken))


@pytest.mark.parametrize("name", ["docling-password-1234.pdf", "password-is-test.pdf"])
def test_read_pdf_says_that_a_password_is_needed(tmp_path, name):
    path = DATA / "document/encrypted" / name
    if not path.exists():
        pytest.skip("the shared test media are absent")
    with pytest.raises(EncryptedMedia, match="needs a password"):
        read_pdf(media_at(path, tmp_path, "application/pdf"))


def test_read_pdf_reads_columns_one_after_the_other(tmp_path):
    path = DATA / "document/unstructured-pdf/multi-column-2p.pdf"
    if not path.exists():
        pytest.skip("the shared test media are absent")
    texts = [s.text for s in read_pdf(media_at(path, tmp_path, "application/pdf")).texts[0]]
    assert texts.index("of improving retrieval.") < texts.index(
        "mented using TF-IDF or BM25 (Robertson and"
    )


@pytest.mark.parametrize("name", ["multipage/with-form.pdf", "sample-files/libreoffice-form.pdf"])
def test_read_pdf_reads_pages_with_a_form(tmp_path, name):
    path = DATA / "document" / name
    if not path.exists():
        pytest.skip("the shared test media are absent")
    prepared = read_pdf(media_at(path, tmp_path, "application/pdf"))
    assert prepared.facts.extra["n_text_pages"] == 1
    assert not prepared.failures
