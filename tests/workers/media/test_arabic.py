import pytest

from workers.media.arabic import in_written_order

ALEF, LAM, DAD, YEH, TANWEEN = "\u0627", "\u0644", "\u0636", "\u064a", "\u064b"


def boxes(*spans):
    return lambda i: (spans[i][0], 0.0, spans[i][1], 10.0)


def test_in_written_order_turns_a_ligature_around_again():
    assert in_written_order(ALEF + LAM, boxes((5, 9), (5, 9))) == LAM + ALEF


def test_in_written_order_leaves_two_letters_of_their_own_alone():
    assert in_written_order(ALEF + LAM, boxes((8, 9), (5, 8))) == ALEF + LAM


@pytest.mark.parametrize(("left", "space"), [(20, ""), (25, " ")])
def test_in_written_order_puts_a_mark_after_its_letter(left, space):
    """The space before it stays where there is a gap between the words."""
    places = boxes((left, left + 5), (15, 15), (13, 15), (10, 20))

    assert in_written_order(YEH + " " + TANWEEN + DAD, places) == YEH + space + DAD + TANWEEN


def test_in_written_order_leaves_a_mark_that_stands_elsewhere():
    text = TANWEEN + DAD
    assert in_written_order(text, boxes((30, 32), (10, 20))) == text


def test_in_written_order_parts_a_latin_word_from_the_arabic_one_after_it():
    assert in_written_order("Python" + LAM, boxes(*[(0, 1)] * 7)) == "Python " + LAM
