"""PDFs of a few hundred bytes, made for one test each."""

from pathlib import Path

from infra.settings import MediaLimits
from schemas.asset import MediaType
from workers.media.media_file import MediaFile

DATA = Path(__file__).parents[3] / "../shared/data"


def text_line(x: int, y: int, text: str, size: int = 12, mode: int = 0) -> str:
    return f"BT {mode} Tr /F1 {size} Tf {x} {y} Td ({text}) Tj ET\n"


def picture(x: int, y: int, width: int, height: int) -> str:
    return (
        f"q {width} 0 0 {height} {x} {y} cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00FFFF00> EI Q\n"
    )


def pdf_of(*contents: str, rotate: int = 0, title: str = "", to_unicode: str = "") -> bytes:
    """One Letter page per content stream, with Helvetica as /F1."""
    kids = " ".join(f"{5 + 2 * i} 0 R" for i in range(len(contents)))
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica%s>>"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(contents)}>>",
        font % ("/ToUnicode 4 0 R" if to_unicode else ""),
        stream(cmap(to_unicode)),
    ]
    for i, content in enumerate(contents):
        objects += [
            (
                f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Rotate {rotate}"
                f"/Resources<</Font<</F1 3 0 R>>>>/Contents {6 + 2 * i} 0 R>>"
            ),
            stream(content),
        ]
    objects.append(f"<</Title({title})>>")
    return assembled(objects)


def stream(content: str) -> str:
    return f"<</Length {len(content)}>>stream\n{content}\nendstream"


def cmap(entries: str) -> str:
    n_entries = entries.count("<") // 2
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        "1 begincodespacerange <00> <FF> endcodespacerange\n"
        f"{n_entries} beginbfchar {entries} endbfchar endcmap end end"
    )


def assembled(objects: list[str]) -> bytes:
    out = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer<</Size {size}/Root 1 0 R/Info {len(objects)} 0 R>>"
    xref = f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}\nstartxref\n{len(out)}\n%%EOF"
    return out + xref.encode()


def media_file(
    tmp_path: Path, data: bytes, mime_type: str = "application/pdf", **limits: int
) -> MediaFile:
    path = tmp_path / "object"
    path.write_bytes(data)
    return media_at(path, tmp_path, mime_type, **limits)


def media_at(path: Path, scratch: Path, mime_type: str, **limits: int) -> MediaFile:
    return MediaFile(
        name=path.name,
        path=path,
        mime_type=mime_type,
        media_type=MediaType.DOCUMENT,
        sha256="0" * 64,
        size_bytes=path.stat().st_size,
        scratch=scratch,
        limits=MediaLimits(**limits),
    )
