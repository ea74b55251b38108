"""Language tags of containers, as BCP 47 codes."""

#: Codes of ISO 639-2 that BCP 47 shortens, for languages that tags name often.
_PAIRS = """
ara:ar ben:bn bul:bg cat:ca ces:cs cze:cs chi:zh zho:zh dan:da deu:de ger:de dut:nl nld:nl ell:el
gre:el eng:en est:et fas:fa per:fa fin:fi fra:fr fre:fr heb:he hin:hi hrv:hr hun:hu ind:id ita:it
jpn:ja kor:ko lav:lv lit:lt may:ms msa:ms nob:nb nor:no pol:pl por:pt ron:ro rum:ro rus:ru slk:sk
slo:sk slv:sl spa:es srp:sr swe:sv tam:ta tel:te tha:th tur:tr ukr:uk urd:ur vie:vi
"""
_SHORT_CODES = dict(pair.split(":") for pair in _PAIRS.split())
#: Undetermined, uncoded, several, none.
_NO_LANGUAGE = frozenset({"", "und", "mis", "mul", "zxx"})


def language_code(tag: str | None) -> str | None:
    """Shortest code of a tag such as `ger`; None where the tag names no single language."""
    code = (tag or "").strip().lower()
    return None if code in _NO_LANGUAGE else _SHORT_CODES.get(code, code)
