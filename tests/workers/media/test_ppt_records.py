import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media import tiny_ppt as tiny
from workers.media.ppt_records import Kind, Properties, record_at, records


def test_records_end_where_their_bytes_do():
    data = memoryview(tiny.atom(1, b"abc") + tiny.atom(2, b"defg", instance=7))

    first, second = records(data[:-2])

    assert (first.kind, bytes(first.body)) == (1, b"abc")
    assert (second.kind, second.instance, bytes(second.body)) == (2, 7, b"de")


def test_child_follows_a_path_of_kinds():
    inner = tiny.container(Kind.SHAPE, tiny.atom(Kind.ANCHOR, b"here"))
    [group] = records(memoryview(tiny.container(Kind.GROUP, tiny.atom(1), inner)))

    found = group.child(Kind.SHAPE, Kind.ANCHOR)

    assert found is not None
    assert bytes(found.body) == b"here"
    assert group.child(Kind.TEXT_BOX, Kind.ANCHOR) is None


def test_record_at_tells_what_it_found_instead():
    data = memoryview(tiny.atom(Kind.SLIDE))

    assert record_at(data, 0, Kind.SLIDE).kind == Kind.SLIDE
    with pytest.raises(UnreadableMedia, match=r"NOTES is expected at byte 0, .* kind 0x03ee"):
        record_at(data, 0, Kind.NOTES)
    with pytest.raises(UnreadableMedia, match="there is nothing"):
        record_at(data, 100, Kind.SLIDE)


def test_properties_are_numbers_and_texts():
    table = tiny.properties((5, 7), (6, "ab\0".encode("utf-16-le")), (8, "c".encode("utf-16-le")))
    [shape] = records(memoryview(tiny.shape(properties=table)))

    drawn = Properties(shape)

    assert [drawn.number(5), drawn.number(99)] == [7, 0]
    assert [drawn.text(6), drawn.text(8), drawn.text(99)] == ["ab", "c", ""]


def test_properties_that_claim_too_much_end_with_the_record():
    cut = tiny.atom(Kind.PROPERTIES, bytes(10), instance=4000)
    [shape] = records(memoryview(tiny.shape(properties=cut)))

    assert Properties(shape).number(0) == 0
