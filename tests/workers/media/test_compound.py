from contextlib import closing

import pytest

from schemas.errors import UnreadableMedia
from tests.workers.media.tiny_compound import Again, compound
from workers.media.compound import Compound

STREAMS = {"Workbook": b"small", "folder/large": bytes(range(256)) * 40, "folder/inner/a": b"1"}


@pytest.fixture
def opened(tmp_path):
    path = tmp_path / "book.xls"
    path.write_bytes(compound(STREAMS))
    with closing(Compound(path, path.name)) as file:
        yield file


def test_streams_are_read_by_their_paths(opened):
    assert {path: opened.read(path) for path in STREAMS} == STREAMS
    assert sorted(opened.names("folder/")) == ["folder/inner", "folder/inner/a", "folder/large"]
    assert [opened.has("folder/inner"), opened.has("folder/none")] == [True, False]
    sizes = [opened.size_bytes(path) for path in ("folder/large", "folder", "folder/none")]
    assert sizes == [10240, 0, 0]
    assert opened.facts() == {}


def test_a_stream_that_is_not_there_is_unreadable(opened):
    with pytest.raises(UnreadableMedia, match=r"book\.xls: a broken compound file"):
        opened.read("folder/none")


def test_streams_that_share_their_bytes_are_refused(tmp_path):
    path = tmp_path / "book.xls"
    path.write_bytes(compound({"a": bytes(50_000), "b": Again("a"), "c": Again("a")}))

    with pytest.raises(UnreadableMedia, match=r"book\.xls: its streams claim 150000 of 5"):
        Compound(path, path.name)


def test_a_file_whose_tables_are_broken_is_unreadable(tmp_path):
    path = tmp_path / "book.xls"
    path.write_bytes(compound(STREAMS))
    path.write_bytes(path.read_bytes()[:700])

    with pytest.raises(UnreadableMedia):
        Compound(path, path.name)
