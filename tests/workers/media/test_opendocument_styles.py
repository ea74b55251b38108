from lxml import etree

from workers.media.opendocument_styles import OUTLINE, ListStyles, hidden_styles

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("text", "style", "table", "presentation")
)


def parsed(markup):
    return etree.fromstring(f"<x {NAMES}>{markup}</x>")


def level(number, kind="number", **attributes):
    given = " ".join(f'{name.replace("_", ":", 1)}="{v}"' for name, v in attributes.items())
    return f'<text:list-level-style-{kind} text:level="{number}" {given}/>'


def styles(*levels, tag="list-style"):
    return ListStyles(None, parsed(f'<text:{tag} style:name="L">{"".join(levels)}</text:{tag}>'))


def test_label_counts_levels_of_levels():
    lists = styles(
        level(1, **{"style_num-format": "1", "style_num-suffix": "."}),
        level(2, **{"style_num-format": "a", "text_display-levels": "2", "style_num-prefix": "("}),
    )
    assert [lists.label("L", at) for at in (0, 1, 1, 0, 1)] == ["1.", "(1.a", "(1.b", "2.", "(2.a"]


def test_label_starts_over_and_where_it_is_told():
    lists = styles(level(1, **{"style_num-format": "1", "text_start-value": "4"}))

    assert [lists.label("L", 0), lists.label("L", 0, "9"), lists.label("L", 0)] == ["4", "9", "10"]
    lists.restart("L")
    assert lists.label("L", 0) == "4"


def test_label_tells_bullets_from_nothing():
    bullet = styles(level(1, "bullet", **{"text_bullet-char": "*"}))
    blank = styles(level(1, "bullet", **{"text_bullet-char": " "}))
    unnumbered = styles(level(1, **{"style_num-format": ""}))

    assert bullet.label("L", 0) == ""
    assert blank.label("L", 0) is None
    assert unnumbered.label("L", 0) is None
    assert bullet.label("lost", 0) == ""


def test_label_numbers_headings_by_the_outline():
    lists = styles(
        '<text:outline-level-style text:level="1" style:num-format="I"/>', tag="outline-style"
    )

    assert [lists.label(OUTLINE, 0), lists.label(OUTLINE, 0)] == ["I", "II"]
    assert lists.label(OUTLINE, 1) is None


def test_hidden_styles_are_those_of_sheets_and_slides():
    root = parsed(
        '<style:style style:name="a"><style:x table:display="false"/></style:style>'
        '<style:style style:name="b"><style:x presentation:visibility="hidden"/></style:style>'
        '<style:style style:name="c"><style:x table:display="true"/></style:style>'
    )
    assert hidden_styles(root) == {"a", "b"}
