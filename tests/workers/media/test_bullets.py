import pytest
from lxml import etree

from workers.media.bullets import A, Bullets


def marks(*properties, layout=5, placeholder=None):
    """Marks of the paragraphs of a text box, or of a placeholder of a layout."""
    import pptx

    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if placeholder is None:
        shape = slide.shapes.add_textbox(0, 0, 9, 9)
    else:
        shape = slide.placeholders[placeholder]
    frame = shape.text_frame
    frame.text = "\n".join("x" for _ in properties)
    for paragraph, markup in zip(frame.paragraphs, properties, strict=True):
        level, _, bullet = markup.partition(" ")
        paragraph.level = int(level)
        if bullet:
            element = etree.fromstring(f'<a:x xmlns:a="{A[1:-1]}">{bullet}</a:x>')[0]
            paragraph._p.get_or_add_pPr().append(element)
    bullets = Bullets(shape)
    return [bullets.mark(paragraph) for paragraph in frame.paragraphs]


def test_text_boxes_have_the_marks_that_they_state():
    assert marks("0", '0 <a:buChar char="o"/>', "0 <a:buNone/>") == [None, "", None]


def test_placeholders_for_text_are_lists_unless_they_say_otherwise():
    assert marks("0", "0 <a:buNone/>", layout=1, placeholder=1) == ["", None]
    assert marks("0", layout=1, placeholder=0) == [None]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ('type="arabicPeriod"', "1."),
        ('type="arabicParenR" startAt="3"', "3)"),
        ('type="alphaUcParenBoth"', "(A)"),
        ('type="romanLcPeriod" startAt="4"', "iv."),
        ('type="arabicPlain"', "1"),
    ],
)
def test_numbers_are_written_as_they_are_shown(kind, text):
    assert marks(f"0 <a:buAutoNum {kind}/>") == [text]


def test_numbers_go_on_below_deeper_levels_and_start_over_behind_other_text():
    number = '<a:buAutoNum type="arabicPeriod"/>'
    assert marks(
        f"0 {number}", f"1 {number}", f"0 {number}", "0", f"0 {number}", f"1 {number}"
    ) == [
        "1.",
        "1.",
        "2.",
        None,
        "1.",
        "1.",
    ]
