import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.office import read_office


def test_read_office_has_no_artifacts_and_numbers_segments(tmp_path):
    prepared = read_office(media_file(tmp_path, tiny.epub("<p>a</p><p>b</p>"), tiny.EPUB))

    assert not prepared.artifacts
    assert [(s.ordinal, s.text) for s in prepared.texts[0]] == [(0, "a"), (1, "b")]


def test_read_office_refuses_an_empty_file(tmp_path):
    with pytest.raises(UnreadableMedia, match="empty"):
        read_office(media_file(tmp_path, b"", tiny.DOCX))


def test_read_office_keeps_at_most_so_many_characters(tmp_path):
    data = tiny.epub("<p>one two three</p>" * 10)

    prepared = read_office(media_file(tmp_path, data, tiny.EPUB, n_chars=20))

    assert sum(len(s.text) for s in prepared.texts[0]) == 20
    assert prepared.facts.extra["text_truncated"]


def test_read_office_decodes_a_page_as_it_declares(tmp_path):
    data = '<meta charset="windows-1251"><title>T</title><p>\u041f\u0440\u0438'.encode("cp1251")

    prepared = read_office(media_file(tmp_path, data, "text/html"))

    assert [s.text for s in prepared.texts[0]] == ["\u041f\u0440\u0438"]
    assert prepared.facts.extra == {"title": "T", "encoding": "windows-1251"}


def test_read_office_refuses_a_page_of_spaces(tmp_path):
    with pytest.raises(UnreadableMedia, match="empty"):
        read_office(media_file(tmp_path, b"  \n", "text/html"))
