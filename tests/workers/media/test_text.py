import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media.tiny_pdf import media_file
from workers.media.text import read_text


def texts(prepared):
    return [s.text for part in sorted(prepared.texts) for s in prepared.texts[part]]


def test_read_text_reads_paragraphs_and_states_the_encoding(tmp_path):
    prepared = read_text(media_file(tmp_path, b"A caf\xe9 in Paris\n\nb", "text/plain"))

    assert texts(prepared) == ["A caf\u00e9 in Paris", "b"]
    assert prepared.facts.extra == {"encoding": "cp1252"}
    assert not prepared.artifacts


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\xef\xbb\xbf"])
def test_read_text_refuses_an_empty_text(tmp_path, data):
    with pytest.raises(UnreadableMedia, match="empty"):
        read_text(media_file(tmp_path, data, "text/plain"))


def test_read_text_keeps_at_most_so_many_characters(tmp_path):
    prepared = read_text(media_file(tmp_path, b"line\n" * 100, "text/plain", n_chars=10))

    assert sum(map(len, texts(prepared))) <= 10
    assert prepared.facts.extra["text_truncated"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_read_text_finds_the_delimiter_of_a_csv(tmp_path, delimiter):
    data = f'a{delimiter}b\n1{delimiter}"x, y"\n'.encode()
    assert texts(read_text(media_file(tmp_path, data, "text/csv"))) == [
        "| a | b |\n| --- | --- |\n| 1 | x, y |"
    ]


def test_read_text_stands_a_csv_with_an_unclosed_quote(tmp_path):
    data = b'a,b\n1,"' + b"x" * 140_000 + b"\n2,3\n"
    assert texts(read_text(media_file(tmp_path, data, "text/csv")))[0].startswith("| a | b |")


@pytest.mark.parametrize("mime_type", ["text/markdown", "text/asciidoc"])
def test_read_text_knows_headings(tmp_path, mime_type):
    mark = b"#" if mime_type == "text/markdown" else b"="
    prepared = read_text(media_file(tmp_path, mark + b" Title\n\nText", mime_type))
    assert [s.role for s in prepared.texts[0]] == ["heading", "paragraph"]
