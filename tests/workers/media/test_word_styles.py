import pytest
from lxml import etree

from tests.workers.media.tiny_office import WORD
from workers.media.word_styles import ListPlace, Numberings, Styles


def parsed(markup):
    return etree.fromstring(f'<w:x xmlns:w="{WORD}">{markup}</w:x>')


def style(name, properties="", based_on="", shown=""):
    return (
        f'<w:style w:styleId="{name}"><w:name w:val="{shown or name}"/>'
        f'<w:basedOn w:val="{based_on}"/><w:pPr>{properties}</w:pPr></w:style>'
    )


def paragraph(properties):
    return parsed(f"<w:p><w:pPr>{properties}</w:pPr></w:p>")[0]


def numberings(*levels, overrides=""):
    definitions = "".join(
        f'<w:lvl w:ilvl="{n}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for n, (kind, text) in enumerate(levels)
    )
    return Numberings(
        parsed(
            f'<w:abstractNum w:abstractNumId="0">{definitions}</w:abstractNum>'
            '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
            f'<w:num w:numId="2"><w:abstractNumId w:val="0"/>{overrides}</w:num>'
        )
    )


@pytest.mark.parametrize(
    ("properties", "level"),
    [
        ('<w:pStyle w:val="H2"/>', 2),
        ('<w:pStyle w:val="Mine"/>', 2),
        ('<w:pStyle w:val="T"/>', 1),
        ('<w:outlineLvl w:val="3"/>', 4),
        ('<w:pStyle w:val="H2"/><w:outlineLvl w:val="9"/>', None),
        ('<w:pStyle w:val="lost"/>', None),
        ("", None),
    ],
)
def test_heading_level_is_that_of_the_style_or_the_paragraph(properties, level):
    styles = Styles(
        parsed(
            style("H2", shown="heading 2")
            + style("Mine", based_on="H2")
            + style("T", shown="Title")
        )
    )
    assert styles.heading_level(paragraph(properties)) == level


def test_styles_based_on_each_other_in_a_circle_end():
    styles = Styles(parsed(style("a", based_on="b") + style("b", based_on="a")))

    assert styles.heading_level(paragraph('<w:pStyle w:val="a"/>')) is None


def test_list_place_is_taken_from_the_style_unless_the_paragraph_leaves_the_list():
    number = '<w:numPr><w:numId w:val="7"/></w:numPr>'
    styles = Styles(parsed(style("L", number)))

    assert styles.list_place(paragraph('<w:pStyle w:val="L"/>')) == ListPlace("7", 0)
    own = '<w:pStyle w:val="L"/><w:numPr><w:ilvl w:val="2"/></w:numPr>'
    assert styles.list_place(paragraph(own)) == ListPlace("7", 2)
    out = '<w:pStyle w:val="L"/><w:numPr><w:numId w:val="0"/></w:numPr>'
    assert styles.list_place(paragraph(out)) is None


def test_label_counts_levels_of_levels():
    lists = numberings(("decimal", "%1."), ("lowerLetter", "%1.%2)"))
    places = [ListPlace("1", level) for level in (0, 1, 1, 0, 1)]

    assert [lists.label(place) for place in places] == ["1.", "1.a)", "1.b)", "2.", "2.a)"]


def test_label_goes_on_in_another_list_unless_that_starts_over():
    go_on = numberings(("decimal", "%1."))
    over = numberings(
        ("decimal", "%1."),
        overrides='<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>',
    )

    assert [go_on.label(ListPlace(n, 0)) for n in ("1", "2")] == ["1.", "2."]
    assert [over.label(ListPlace(n, 0)) for n in ("1", "2", "2")] == ["1.", "5.", "6."]


def test_label_of_bullets_and_unknown_lists_is_empty():
    lists = numberings(("bullet", "\uf0b7"))

    assert lists.label(ListPlace("1", 0)) == ""
    assert lists.label(ListPlace("9", 0)) == ""
    assert Numberings(None).label(ListPlace("1", 0)) == ""
