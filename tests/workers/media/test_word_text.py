import pytest
from lxml import etree

from tests.workers.media.tiny_office import WORD
from workers.media.word_text import read_paragraph


def read(markup):
    names = f'xmlns:w="{WORD}" xmlns:wp="urn:wp"'
    return read_paragraph(etree.fromstring(f"<w:p {names}>{markup}</w:p>"))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>", "a\tb\nc"),
        ("<w:r><w:t>co</w:t><w:noBreakHyphen/><w:t>op</w:t></w:r>", "co-op"),
        ("<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>", "link"),
        ("<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>", ""),
        ('<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>seen</w:t></w:r>', "seen"),
        ("<w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:t>7</w:t></w:r>", "7"),
        (
            (
                "<w:r><w:ruby><w:rt><w:r><w:t>kana</w:t></w:r></w:rt>"
                "<w:rubyBase><w:r><w:t>kanji</w:t></w:r></w:rubyBase></w:ruby></w:r>"
            ),
            "kanji",
        ),
    ],
)
def test_read_paragraph_reads_what_is_shown(markup, text):
    assert read(markup).text == text


def test_read_paragraph_takes_one_description_of_a_picture():
    picture = '<w:r><w:drawing><wp:docPr descr="A duck"/></w:drawing></w:r>'

    assert read(picture * 2).alt_texts == ["A duck"]
