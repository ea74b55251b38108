"""What a PDF says about itself."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_TEXTS = {
    "Title": "title",
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "Creator": "created_with",
    "Producer": "producer",
}
_DATES = {"CreationDate": "created", "ModDate": "modified"}
#: `D:20220626105843+02'00'`; everything after the year may be left out (ISO 32000-1, 7.9.4).
_DATE = re.compile(
    r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?)?[\d']*\s*"
)


def document_facts(document: pdfium.PdfDocument) -> dict[str, str | bool]:
    """Title, author, dates and the like, as far as they are there and can be read."""
    facts: dict[str, str | bool] = {
        "encrypted": pdfium_c.FPDF_GetSecurityHandlerRevision(document) != -1
    }
    for key, name in _TEXTS.items():
        if value := _find(document, key):
            facts[name] = value
    for key, name in _DATES.items():
        if value := _find(document, key):
            facts[name] = iso_date(value)
    return facts


def iso_date(value: str) -> str:
    """A date as ISO 8601 has it; as it came where it is none."""
    found = _DATE.fullmatch(value.strip())
    if not found:
        return value
    year, month, day, hour, minute, second = (int(v) if v else None for v in found.groups()[:6])
    try:
        when = datetime(
            year or 0,
            month or 1,
            day or 1,
            hour or 0,
            minute or 0,
            second or 0,
            tzinfo=_zone(found),
        )
    except ValueError:
        return value
    return when.date().isoformat() if hour is None else when.isoformat().replace("+00:00", "Z")


def _zone(found: re.Match[str]) -> timezone | None:
    sign, hours, minutes = found.groups()[6:]
    if sign is None:
        return UTC if "Z" in found[0] else None
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset)


def _find(document: pdfium.PdfDocument, key: str) -> str:
    with suppress(UnicodeDecodeError):  # stored as half a UTF-16 string
        value: str = document.get_metadata_value(key)
        return value.replace("\0", "").strip()
    return ""
