"""Numbers of list items as they are shown: 1, a, B, iv, 03."""

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MOST_ROMAN = 4_000
_MOST_LETTERS = 2_600


def numeral(count: int, kind: str) -> str:
    """A count in one of the kinds `a`, `A`, `i`, `I`, `01` and, for all others, in digits."""
    if kind in {"a", "A"} and 0 < count < _MOST_LETTERS:
        # Word processors go on with `aa`, `bb`; so few lists are that long that one rule does.
        letters = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letters if kind == "a" else letters.upper()
    if kind in {"i", "I"} and 0 < count < _MOST_ROMAN:
        return _roman(count) if kind == "i" else _roman(count).upper()
    return f"{count:02}" if kind == "01" else str(count)


def _roman(count: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        times, count = divmod(count, value)
        text += letters * times
    return text
