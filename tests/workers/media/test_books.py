import pytest

from schemas.errors import EncryptedMedia, UnreadableMedia
from schemas.segment import Page
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.office import read_office


def read(tmp_path, data):
    return read_office(media_file(tmp_path, data, tiny.EPUB))


def test_read_office_makes_a_page_of_each_chapter(tmp_path):
    prepared = read(tmp_path, tiny.epub("<h1>One</h1><p>text</p>", "<p>two</p>"))

    assert [(s.locator.page, s.role, s.text) for s in prepared.texts[0]] == [
        (1, "heading", "# One"),
        (1, "paragraph", "text"),
        (2, "paragraph", "two"),
    ]
    assert prepared.facts.n_pages == 2
    assert prepared.facts.extra == {"title": "A book"}


def test_read_office_passes_over_an_empty_chapter(tmp_path):
    prepared = read(tmp_path, tiny.epub("", "<p>two</p>"))
    assert [s.locator.page for s in prepared.texts[0]] == [2]


def test_read_office_refuses_a_protected_book(tmp_path):
    with pytest.raises(EncryptedMedia, match="protected"):
        read(tmp_path, tiny.epub("<p>x</p>", **{"META-INF/rights.xml": "<r/>"}))


@pytest.mark.parametrize(
    "files",
    [
        {"a": "b"},
        {"META-INF/container.xml": "<container/>"},
        {"META-INF/container.xml": "<container"},
        {"META-INF/container.xml": '<c><rootfile full-path="lost.opf"/></c>'},
    ],
)
def test_read_office_refuses_a_broken_book(tmp_path, files):
    with pytest.raises(UnreadableMedia, match="EPUB"):
        read(tmp_path, tiny.archive(files))


def without(chapter, *chapters):
    import zipfile
    from io import BytesIO

    with zipfile.ZipFile(BytesIO(tiny.epub(*chapters))) as source:
        names = [n for n in source.namelist() if not n.endswith(chapter)]
        return tiny.archive({name: source.read(name) for name in names})


def test_read_office_refuses_a_book_without_its_chapter(tmp_path):
    with pytest.raises(UnreadableMedia, match="chapter"):
        read(tmp_path, without("0.xhtml", "<p>x</p>"))


def test_read_office_keeps_the_chapters_beside_a_lost_one(tmp_path):
    prepared = read(tmp_path, without("0.xhtml", "<p>one</p>", "<p>two</p>"))

    assert [s.text for s in prepared.texts[0]] == ["two"]
    [failure] = prepared.failures
    assert failure.locator == Page(page=1)
    assert "chapter O/text/c 0.xhtml" in failure.message
