"""Charts and diagrams (DrawingML): titles, the numbers behind them, and the words in them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workers.media.blocks import Block, row_blocks

if TYPE_CHECKING:
    from lxml.etree import _Element

#: Points of a series that are kept.
_MOST_POINTS = 2_000
#: What Office adds to its own descriptions.
_GENERATED = ("Description automatically generated", "AI-generated content may be incorrect.")
_KINDS = {
    "area": "Area",
    "bar": "Bar",
    "bubble": "Bubble",
    "doughnut": "Doughnut",
    "line": "Line",
    "ofPie": "Pie",
    "pie": "Pie",
    "radar": "Radar",
    "scatter": "Scatter",
    "stock": "Stock",
    "surface": "Surface",
}


def chart_blocks(root: "_Element", page: int = 1) -> Iterator[Block]:
    """Title, kind and numbers of a chart (the part `chartN.xml`), as one block or more."""
    title = drawing_text(root.find("{*}chart/{*}title"))
    if title:
        yield Block(title, "paragraph", page)
    plots = [plot for plot in root.iterfind("{*}chart/{*}plotArea/*") if _kind(plot)]
    for kind in dict.fromkeys(_kind(plot) for plot in plots):
        yield Block(f"{kind} chart", "chart", page)
        own = [series for plot in plots if _kind(plot) == kind for series in _series(plot)]
        yield from row_blocks(_rows(own), page, "chart")


def diagram_texts(root: "_Element") -> Iterator[str]:
    """What is written in the shapes of a SmartArt diagram (the part `dataN.xml`)."""
    for point in root.iterfind("{*}ptLst/{*}pt"):
        # Points of other types are layout, or repeat what a node says.
        if point.get("type", "node") in {"node", "asst"} and (text := drawing_text(point)):
            yield text


def drawing_text(element: "_Element | None") -> str:
    """Paragraphs of DrawingML text inside an element, one a line."""
    if element is None:
        return ""
    paragraphs = (
        "".join(run.text or "" for run in paragraph.iterfind(".//{*}t"))
        for paragraph in element.iter("{*}p")
    )
    return "\n".join(filter(None, (text.strip() for text in paragraphs)))


def alt_text(properties: "_Element | None") -> str:
    """What a drawing is said to show."""
    text = "" if properties is None else properties.get("descr") or ""
    for remark in _GENERATED:
        text = text.replace(remark, "")
    return " ".join(text.split())


def _kind(plot: "_Element") -> str:
    tag = str(plot.tag).rpartition("}")[2]
    name = tag.removesuffix("Chart").removesuffix("3D")
    return _KINDS.get(name, "") if tag.endswith("Chart") else ""


def _series(plot: "_Element") -> Iterator[tuple[str, dict[int, str], dict[int, str]]]:
    """Name, categories and values of each series; points by their index."""
    for series in plot.iterfind("{*}ser"):
        name = " ".join(_points(series.find("{*}tx")).values())
        categories = series.find("{*}cat")
        categories = series.find("{*}xVal") if categories is None else categories
        values = series.find("{*}val")
        values = series.find("{*}yVal") if values is None else values
        yield name, _points(categories), _points(values)


def _points(element: "_Element | None") -> dict[int, str]:
    """Values that the chart keeps a copy of; of several levels of categories, the first."""
    found: dict[int, str] = {}
    if element is None:
        return found
    for point in element.iterfind(".//{*}pt"):
        if len(found) < _MOST_POINTS and (index := point.get("idx", "")).isdigit():
            found.setdefault(int(index), _number(point.findtext("{*}v") or ""))
    if not found and (text := element.findtext("{*}v")):
        found[0] = text
    return found


def _number(text: str) -> str:
    """Without digits that are there only because the file keeps binary fractions."""
    try:
        return text if len(text) < 12 else f"{float(text):.10g}"  # noqa: PLR2004
    except ValueError:
        return text


def _rows(series: list[tuple[str, dict[int, str], dict[int, str]]]) -> Iterator[list[str]]:
    if not series:
        return
    yield ["", *(name for name, _, _ in series)]
    indices = sorted({index for _, *points in series for one in points for index in one})
    categories = next((found for _, found, _ in series if found), {})
    for index in indices:
        label = categories.get(index, str(index + 1))
        yield [label, *(values.get(index, "") for _, _, values in series)]
