import pytest
from PIL import Image

from schemas.asset import ArtifactKind
from schemas.segment import Box
from workers.media.page_keeper import PageKeeper
from workers.media.pdf_runs import Run
from workers.media.pdf_text import PageRuns


def runs_of(text):
    return PageRuns([Run(0, 0, text, Box(0.1, 0.1, 0.5, 0.12), 0.02)], 0.7, is_right_to_left=False)


def test_keeper_keeps_pages_in_their_order(tmp_path):
    with PageKeeper(tmp_path) as keeper:
        for page in range(1, 20):
            runs = runs_of(f"Page {page}")
            keeper.keep(Image.new("RGB", (30, 40)), page, runs=runs, is_scan=page == 7)
        keeper.finish()

    files = {file.kind: file for file in keeper.images.close()}
    assert [image.page for image in files[ArtifactKind.PAGES].images] == list(range(1, 20))
    assert [image.page for image in files[ArtifactKind.SCANS].images] == [7]
    assert [s.text for s in keeper.texts.parts()[0]] == [f"Page {page}" for page in range(1, 20)]


def test_keeper_says_what_went_wrong_on_its_thread(tmp_path):
    with PageKeeper(tmp_path / "absent") as keeper:
        keeper.keep(Image.new("RGB", (30, 40)), 1)

        with pytest.raises(FileNotFoundError):
            keeper.finish()
