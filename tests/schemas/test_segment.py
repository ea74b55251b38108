from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.asset import AssetId
from schemas.segment import (
    PART_STRIDE,
    Box,
    Locator,
    Page,
    Place,
    Region,
    TimeSpan,
    place,
    segment_id,
)
from tests.factories import make_segment

BOX = Box(0.1, 0.2, 0.3, 0.4)
ASSET = AssetId(UUID(int=1))


@pytest.mark.parametrize(
    ("locator", "expected"),
    [
        (None, Place()),
        (Page(page=3), Place(page=3)),
        (TimeSpan(start_s=1.0, end_s=2.5), Place(start_s=1.0, end_s=2.5)),
        (Region(box=BOX), Place(box=BOX)),
        (Region(box=BOX, within=Page(page=3)), Place(page=3, box=BOX)),
        (
            Region(box=BOX, within=TimeSpan(start_s=1.0, end_s=1.0)),
            Place(start_s=1.0, end_s=1.0, box=BOX),
        ),
    ],
)
def test_place_flattens_a_locator(locator, expected):
    assert place(locator) == expected


def test_locator_survives_json():
    adapter = TypeAdapter(Locator)
    locator = Region(box=BOX, within=Page(page=2))

    assert adapter.validate_json(adapter.dump_json(locator)) == locator


def test_pages_count_from_one():
    with pytest.raises(ValidationError):
        Page(page=0)


def test_confidence_is_a_fraction():
    with pytest.raises(ValidationError):
        make_segment(confidence=1.2)


def test_segment_id_of_the_same_place_is_the_same():
    assert segment_id("t", ASSET, "ocr", "v", 1, 2) == segment_id("t", ASSET, "ocr", "v", 1, 2)


@pytest.mark.parametrize(
    "other",
    [
        ("u", ASSET, "ocr", "v", 1, 2),
        ("t", AssetId(UUID(int=2)), "ocr", "v", 1, 2),
        ("t", ASSET, "caption", "v", 1, 2),
        ("t", ASSET, "ocr", "w", 1, 2),
        ("t", ASSET, "ocr", "v", 2, 1),
        ("t", ASSET, "ocr", "v", 1, 3),
    ],
)
def test_segment_id_of_another_place_is_another(other):
    assert segment_id(*other) != segment_id("t", ASSET, "ocr", "v", 1, 2)


def test_segment_ids_of_two_parts_never_meet():
    last = segment_id("t", ASSET, "ocr", "v", 0, PART_STRIDE - 1)

    assert last != segment_id("t", ASSET, "ocr", "v", 1, 0)


def test_text_loses_the_characters_that_no_database_takes():
    assert make_segment(text="a\x00b").text == "ab"
