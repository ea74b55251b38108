import pytest

from orchestrator.evaluation.plain_text import is_garbled, lines, plain, spaced, squeezed, words


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title", "Title"),
        ("- one\n* two\n+ [x] three", "one\ntwo\nthree"),
        ("**bold** and *thin* and `code`", "bold and thin and code"),
        ("snake_case and _thin_ words", "snake_case and thin words"),
        ("escaped \\_ and \\| and 5 \\* 3", "escaped _ and | and 5 * 3"),
        ("see [the page](http://a.b/c)", "see the page"),
        ("<!-- image -->![alt](x.png)text", "text"),
        ("```python\nx = 1\n```", "\nx = 1\n"),
        ("a &amp; b &lt; c", "a & b < c"),
        ("\ufb01ne \uff12", "fine 2"),
        ("plain, with 3 - 2 = 1", "plain, with 3 - 2 = 1"),
    ],
)
def test_markup_goes_and_text_stays(markdown, text):
    assert plain(markdown) == text


def test_tables_become_their_cells():
    assert spaced("| a | b |\n|---|:--|\n| 1 | 2 |") == "a b 1 2"
    assert spaced("| a | b |\n| - | - |\n| - x | -3 |\n| y | 1 - 2 |") == "a b x -3 y 1 - 2"
    assert spaced("a|b\n-|-\n1|2") == "a b 1 2"
    assert spaced("one\n---\ntwo\n- - three\n-\n") == "one two three -"
    assert squeezed("| a b |\n| --- |") == "ab"


def test_words_are_lower_case_without_edges():
    assert words("“Don't!” (he) SAID -- 3.5%") == ["don't", "he", "said", "3.5"]
    assert words("") == []


def test_lines_leave_out_empty_ones():
    assert lines("a  b\n\n \n# c") == ["a b", "c"]


def test_codes_without_characters_are_garbled():
    assert is_garbled(["\x01\x02\x03 ab"])
    assert not is_garbled(["Straße 東京 שלום"])
    assert not is_garbled([])


def test_squeezed_text_has_one_spelling_of_quotes_and_dashes():
    typographic = "\u201cIt\u2019s\u201d \u2014 co\u00adop \ufeff10\u201320"

    assert squeezed(typographic) == squeezed('"It\'s" - coop 10-20') == '"It\'s"-coop10-20'


def test_spaced_text_keeps_quotes_and_dashes():
    assert spaced("\u201cIt\u2019s\u201d") == "\u201cIt\u2019s\u201d"
