from lxml import etree

from workers.media.charts import alt_text, chart_blocks, diagram_texts, drawing_text

NAMES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)


def parsed(markup):
    return etree.fromstring(markup.replace(">", f" {NAMES}>", 1))


def cached(*values):
    points = "".join(
        f'<c:pt idx="{i}"><c:v>{v}</c:v></c:pt>' for i, v in enumerate(values) if v is not None
    )
    return f"<c:numRef><c:numCache>{points}</c:numCache></c:numRef>"


def series(name, categories, values):
    return (
        f"<c:ser><c:tx>{cached(name)}</c:tx><c:cat>{cached(*categories)}</c:cat>"
        f"<c:val>{cached(*values)}</c:val></c:ser>"
    )


def chart(title, *plots):
    text = f"<c:title><a:p><a:r><a:t>{title}</a:t></a:r></a:p></c:title>"
    area = f"<c:plotArea><c:layout/>{''.join(plots)}</c:plotArea>"
    return parsed(f"<c:chartSpace><c:chart>{text}{area}</c:chart></c:chartSpace>")


def roles(root):
    return [(block.role, block.text) for block in chart_blocks(root)]


def test_chart_blocks_are_title_kind_and_numbers():
    bars = f"<c:bar3DChart>{series('A', ['x', 'y'], [1, None])}"
    bars += f"{series('B', ['x', 'y'], ['0.30000000000000004', 4])}</c:bar3DChart>"

    assert roles(chart("Ducks", bars)) == [
        ("paragraph", "Ducks"),
        ("chart", "Bar chart"),
        ("chart", "|  | A | B |\n| --- | --- | --- |\n| x | 1 | 0.3 |\n| y |  | 4 |"),
    ]


def test_chart_blocks_name_the_points_of_a_scatter():
    plot = (
        f"<c:scatterChart><c:ser><c:xVal>{cached(5)}</c:xVal><c:yVal>{cached(6)}</c:yVal></c:ser>"
        "</c:scatterChart>"
    )
    assert roles(chart("", plot)) == [
        ("chart", "Scatter chart"),
        ("chart", "| 5 | 6 |\n| --- | --- |"),
    ]


def test_chart_blocks_of_a_chart_without_plots_is_its_title():
    assert roles(chart("T")) == [("paragraph", "T")]


def test_diagram_texts_are_those_of_nodes():
    point = '<d:pt type="%s"><d:t><a:p><a:r><a:t>%s</a:t></a:r></a:p></d:t></d:pt>'
    points = point % ("node", "shown") + point % ("pres", "layout")
    root = parsed(f"<d:dataModel><d:ptLst>{points}</d:ptLst></d:dataModel>")

    assert list(diagram_texts(root)) == ["shown"]


def test_drawing_text_is_a_paragraph_a_line():
    root = parsed(
        "<a:txBody><a:p><a:r><a:t>a</a:t></a:r><a:r><a:t>b</a:t></a:r></a:p><a:p/></a:txBody>"
    )

    assert drawing_text(root) == "ab"
    assert drawing_text(None) == ""


def test_alt_text_leaves_out_what_programs_say_of_themselves():
    made = "A duck\n\nDescription automatically generated"

    assert alt_text(etree.fromstring("<p/>")) == ""
    assert alt_text(None) == ""
    root = etree.fromstring("<p/>")
    root.set("descr", made)
    assert alt_text(root) == "A duck"
