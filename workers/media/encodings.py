"""Which characters the bytes of a text stand for."""

import codecs
from typing import NamedTuple

#: Longest first: the mark of UTF-32 starts with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: Enough to tell an encoding; the detector's time grows with the length.
_SAMPLE_BYTES = 32_768
#: What people still write besides Unicode; rarer ones only draw wrong guesses.
_GUESSES = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
_FEW_ACCENTS = 0.1
_UNDEFINED_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


class Decoded(NamedTuple):
    """A text and the encoding it was read with."""

    text: str
    encoding: str


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Decode a text: byte order mark, declared encoding, UTF-8, UTF-16, then a detector.

    A byte that fits no character becomes U+FFFD. Every line ends with a line feed.
    """
    encoding = _marked(data) or _declared(data, declared) or _detected(data)
    text = data.decode(encoding, errors="replace")
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), encoding)


def _marked(data: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)


def _declared(data: bytes, declared: str | None) -> str | None:
    if not declared:
        return None
    try:
        data.decode(declared)
    except (LookupError, UnicodeError, ValueError):
        return None
    return declared


def _detected(data: bytes) -> str:
    sample = data[:_SAMPLE_BYTES]
    if utf16 := _utf16(sample):
        return utf16
    try:
        data.decode()
    except UnicodeDecodeError:
        return _guessed(sample)
    return "utf-8"


def _utf16(sample: bytes) -> str | None:
    """UTF-16 without a mark shows by the zero bytes of its Latin letters and spaces."""
    if sample.count(0) < len(sample) / 4:
        return None
    return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"


def _guessed(sample: bytes) -> str:
    """Few accents mean a western language: the detector is often wrong on so little evidence."""
    n_accents = sum(byte > 0x7F for byte in sample)  # noqa: PLR2004 - end of ASCII
    if n_accents < _FEW_ACCENTS * len(sample) and not _UNDEFINED_1252.intersection(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_GUESSES).best()
    return best.encoding if best else "cp1252"
