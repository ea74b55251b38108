import pytest
from lxml import etree

from workers.media.opendocument_text import read_paragraph

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{uri}:1.0"'
    for name, uri in [("text", "text"), ("draw", "drawing"), ("office", "office")]
)


def read(markup):
    return read_paragraph(etree.fromstring(f"<text:p {NAMES}>{markup}</text:p>"))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a<text:span>b<text:span>c</text:span>d</text:span>e", "abcde"),
        ('a<text:s text:c="3"/>b<text:s/>c', "a   b c"),
        ('a<text:s text:c="999999999"/>b', "a" + " " * 200 + "b"),
        ("a<text:tab/>b<text:line-break/>c", "a\tb\nc"),
        ("<text:number>1.</text:number>a", "a"),
        (
            (
                "<text:ruby><text:ruby-base>kanji</text:ruby-base><text:ruby-text>kana"
                "</text:ruby-text></text:ruby>"
            ),
            "kanji",
        ),
        ("<draw:a>link</draw:a>", "link"),
    ],
)
def test_read_paragraph_reads_what_is_shown(markup, text):
    assert read(markup).text == text


def test_read_paragraph_sets_anchors_apart():
    found = read("a<draw:frame>x</draw:frame><text:note>y</text:note><office:annotation/>b")

    assert found.text == "ab"
    assert [len(group) for group in (found.drawings, found.notes, found.comments)] == [1, 1, 1]
