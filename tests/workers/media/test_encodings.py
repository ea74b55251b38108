import pytest

from workers.media.encodings import decode

FRENCH = (
    "Le texte que voici n\u2019est pas long, mais il a \u00e9t\u00e9 \u00e9crit en France. " * 3
)
RUSSIAN = "Привет, мир! Это русский текст."
JAPANESE = "これは日本語のテキストです。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_decode_reads_french_in_common_encodings(encoding):
    assert decode(FRENCH.encode(encoding)).text == FRENCH


@pytest.mark.parametrize(
    ("text", "encoding"), [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (JAPANESE, "shift_jis")]
)
def test_decode_guesses_other_scripts(text, encoding):
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_decode_reads_utf_16_without_a_mark(encoding):
    assert decode(FRENCH.encode(encoding)) == (FRENCH, encoding)


def test_decode_follows_a_declaration_that_fits():
    assert decode(b"\xe4", declared="iso-8859-7").text == "\u03b4"


@pytest.mark.parametrize("declared", ["no-such-encoding", "ascii"])
def test_decode_passes_over_a_declaration_that_does_not_fit(declared):
    assert decode("\u00e4".encode(), declared=declared) == ("\u00e4", "utf-8")


def test_decode_makes_every_line_end_a_line_feed():
    assert decode(b"a\r\nb\rc\n").text == "a\nb\nc\n"


def test_decode_of_nothing_is_empty():
    assert decode(b"").text == ""


def test_decode_of_noise_ends_with_some_text():
    assert decode(bytes(range(128, 256)) * 4).text
