import pytest

from workers.media.numerals import numeral


@pytest.mark.parametrize(
    ("count", "kind", "text"),
    [
        (3, "1", "3"),
        (3, "01", "03"),
        (2, "a", "b"),
        (27, "A", "AA"),
        (4, "i", "iv"),
        (1994, "I", "MCMXCIV"),
        (0, "i", "0"),
        (10**9, "I", "1000000000"),
        (10**9, "a", "1000000000"),
    ],
)
def test_numeral_writes_a_count_as_lists_show_it(count, kind, text):
    assert numeral(count, kind) == text
