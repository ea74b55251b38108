import pytest

from schemas.asset import ArtifactKind
from schemas.errors import UnreadableMedia
from schemas.segment import Box, Page, Region, TimeSpan
from schemas.stages import ModelRef
from tests.workers.stages.sources import image_source, picture, segments
from workers.models.loading import FAMILIES
from workers.models.roles import TextLine, TextReader
from workers.stage import StageContext
from workers.stages.ocr import Ocr

TOP, BOTTOM = Box(0.0, 0.0, 1.0, 0.4), Box(0.0, 0.5, 1.0, 0.9)


class TinyReader(TextReader):
    """Reads two lines from any image but a small one."""

    def decode(self, source):
        return len(source)

    def read_lines(self, image):
        return [TextLine(TOP, "one", 0.9), TextLine(BOTTOM, "two", 0.8)] if image > 700 else []


@pytest.fixture
def stage(monkeypatch, cpu):
    ref = ModelRef(source="tiny", revision="1", family="tiny")
    monkeypatch.setitem(FAMILIES, "tiny", f"{__name__}:TinyReader")
    stage = Ocr(StageContext(model=ref))
    stage.load(cpu)
    return stage


def test_ocr_gives_lines_in_order_with_boxes(stage, tmp_path):
    first, second = segments(stage, image_source(tmp_path, [picture("text")]))

    assert (first.text, second.text) == ("one", "two")
    assert (first.role, first.confidence, first.locator) == ("line", 0.9, Region(box=TOP))


def test_ocr_says_on_which_page(stage, tmp_path):
    source = image_source(tmp_path, [picture("a")], ArtifactKind.SCANS, [{"page": 7}])

    assert segments(stage, source)[0].locator == Region(box=TOP, within=Page(page=7))


def test_ocr_says_in_which_shot(stage, tmp_path):
    shot = {"start_s": 1.0, "end_s": 3.0, "frame_s": 2.0}
    source = image_source(tmp_path, [picture("a")], ArtifactKind.KEYFRAMES, [shot])

    expected = Region(box=BOTTOM, within=TimeSpan(start_s=1.0, end_s=3.0))
    assert segments(stage, source)[1].locator == expected


def test_ocr_of_a_picture_of_a_subtitle_is_one_line_of_its_time(stage, tmp_path):
    times = [{"start_s": 1.0, "end_s": 3.0}, {"start_s": 4.0, "end_s": 5.0}]
    pictures = [picture("a"), picture(size=(8, 8))]
    source = image_source(tmp_path, pictures, ArtifactKind.SCANS, times)

    (found,) = segments(stage, source)

    assert (found.text, found.role, found.confidence) == ("one two", "subtitle", 0.8)
    assert found.locator == TimeSpan(start_s=1.0, end_s=3.0)


def test_ocr_of_an_image_without_text_is_empty(stage, tmp_path):
    assert segments(stage, image_source(tmp_path, [picture(size=(8, 8))])) == []


def test_ocr_of_a_broken_artifact_is_unreadable(stage, tmp_path):
    source = image_source(tmp_path, [picture("a")])
    source.path.write_bytes(b"")

    with pytest.raises(UnreadableMedia):
        list(stage.preprocess(source))
