"""What stands in one paragraph of a DOCX: its text, and what is anchored in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.media.charts import alt_text
from workers.media.equations import latex
from workers.media.parts import relation_id
from workers.media.word_styles import W

if TYPE_CHECKING:
    from lxml.etree import _Element

_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
#: Deleted text, codes of fields, and properties, which hold no text of the page.
_SKIPPED = frozenset(
    "del moveFrom delText instrText delInstrText pPr rPr sdtPr sdtEndPr tblPr trPr tcPr "  # noqa: SIM905
    "sectPr rt object".split()
)
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


@dataclass
class ParagraphText:
    """A paragraph's text in reading order; formulas are LaTeX between dollar signs."""

    pieces: list[str] = field(default_factory=list)
    n_formulas: int = 0
    #: Contents of text boxes, to be read like a body.
    boxes: "list[_Element]" = field(default_factory=list)
    #: Ids of relations.
    charts: list[str] = field(default_factory=list)
    diagrams: list[str] = field(default_factory=list)
    alt_texts: list[str] = field(default_factory=list)
    #: (`footnotes` or `endnotes`, id), and ids of comments.
    notes: list[tuple[str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it, without white space at the ends."""
        return "".join(self.pieces).strip()

    @property
    def is_formula(self) -> bool:
        """Whether it is one formula and nothing else."""
        is_alone = self.n_formulas == 1 and sum(bool(piece.strip()) for piece in self.pieces) == 1
        return is_alone and self.text.startswith("$")


def read_paragraph(paragraph: "_Element") -> ParagraphText:
    """Text and anchors of one `w:p`."""
    found = ParagraphText()
    _read_children(paragraph, found)
    return found


def _read_children(element: "_Element", found: ParagraphText) -> None:
    for child in element:
        tag = str(child.tag).rpartition("}")[2]
        if tag in _SKIPPED:
            continue
        if read := _READERS.get(tag):
            read(child, found)
        else:
            _read_children(child, found)


def _read_run(run: "_Element", found: ParagraphText) -> None:
    properties = run.find(f"{W}rPr")
    vanish = properties.find(f"{W}vanish") if properties is not None else None
    is_hidden = vanish is not None and vanish.get(f"{W}val", "1") not in {"0", "false"}
    if not is_hidden or run.tag != f"{W}r":
        _read_children(run, found)


def _read_text(element: "_Element", found: ParagraphText) -> None:
    found.pieces.append(element.text or "")


def _read_sign(element: "_Element", found: ParagraphText) -> None:
    found.pieces.append(_SIGNS[element.tag.rpartition("}")[2]])


def _read_formula(element: "_Element", found: ParagraphText) -> None:
    if text := latex(element):
        found.pieces.append(f"${text}$")
        found.n_formulas += 1


def _read_choice(element: "_Element", found: ParagraphText) -> None:
    """A drawing and, for old programs, the same once more: the first of them counts."""
    first = next(iter(element), None)
    if first is not None:
        _read_children(first, found)


def _read_box(element: "_Element", found: ParagraphText) -> None:
    found.boxes.append(element)


def _read_chart(element: "_Element", found: ParagraphText) -> None:
    found.charts.append(relation_id(element))


def _read_diagram(element: "_Element", found: ParagraphText) -> None:
    found.diagrams.append(relation_id(element, "dm"))


def _read_alt_text(element: "_Element", found: ParagraphText) -> None:
    text = alt_text(element)
    if text and text not in found.alt_texts:
        found.alt_texts.append(text)


def _read_note(element: "_Element", found: ParagraphText) -> None:
    kind = "endnotes" if element.tag == f"{W}endnoteReference" else "footnotes"
    found.notes.append((kind, element.get(f"{W}id", "")))


def _read_comment(element: "_Element", found: ParagraphText) -> None:
    found.comments.append(element.get(f"{W}id", ""))


_READERS: dict[str, Callable[["_Element", ParagraphText], None]] = {
    "r": _read_run,
    "t": _read_text,
    **dict.fromkeys(_SIGNS, _read_sign),
    "oMath": _read_formula,
    "AlternateContent": _read_choice,
    "txbxContent": _read_box,
    "chart": _read_chart,
    "relIds": _read_diagram,
    "docPr": _read_alt_text,
    "footnoteReference": _read_note,
    "endnoteReference": _read_note,
    "commentReference": _read_comment,
}
