from schemas.asset import ImageMember
from schemas.segment import Box, Page, Region, TimeSpan
from workers.artifacts import place_of, spot_of


def member(**fields):
    return ImageMember(name="000000.jpg", width_px=1, height_px=1, **fields)


def test_place_of_a_page_is_the_page():
    assert place_of(member(page=3)) == Page(page=3)


def test_place_of_a_frame_is_its_shot():
    shot = member(start_s=1.0, end_s=4.0, frame_s=2.5)

    assert place_of(shot) == TimeSpan(start_s=1.0, end_s=4.0)


def test_place_of_a_picture_is_nowhere():
    assert place_of(member()) is None


def test_spot_of_a_figure_is_its_part_of_the_page():
    figure = member(page=3, box=(0.1, 0.2, 0.3, 0.4))

    assert spot_of(figure) == Region(box=Box(0.1, 0.2, 0.3, 0.4), within=Page(page=3))


def test_spot_of_a_figure_that_may_be_anywhere_is_its_page():
    assert spot_of(member(page=3)) == Page(page=3)
    assert spot_of(member()) is None
