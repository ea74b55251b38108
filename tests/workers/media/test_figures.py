from contextlib import contextmanager
from dataclasses import replace

import pytest
from PIL import Image

from schemas.asset import ArtifactKind, MediaType
from schemas.errors import UnreadableMedia
from tests.workers.media.tiny_pdf import media_file
from workers.media import figures
from workers.media.figures import Candidate, select, shows_something, with_figures
from workers.media.image_tar import read_images
from workers.stage import Prepared


def photo(seed=0, size=(200, 150)):
    return Image.radial_gradient("L").resize(size).rotate(seed * 7).convert("RGB")


def candidate(page=1, digest="a", image=None, **fields):
    return Candidate(page, digest, lambda: photo() if image is None else image, **fields)


@pytest.fixture
def read(tmp_path, monkeypatch):
    """`with_figures` of a document that shows these candidates."""

    def read(*candidates, **limits):
        @contextmanager
        def find(_media):
            yield list(candidates)

        monkeypatch.setattr(figures, "_import_finder", lambda _mime_type: find)
        media = media_file(tmp_path, b"pdf", "text/html", **limits)
        prepared = Prepared(facts=media.facts(extra={"title": "x"}))
        return with_figures(media, prepared)

    return read


def images(prepared):
    return [image for artifact in prepared.artifacts for image in artifact.images]


def test_figures_keep_their_page_and_place(read):
    box = (0.1, 0.2, 0.5, 0.6)
    found = read(
        candidate(2, "a", box=box), candidate(2, "b", photo(1)), candidate(40, "c", photo(2))
    )

    assert [(image.page, image.box) for image in images(found)] == [(2, box), (2, None), (40, None)]
    assert [(a.kind, a.part) for a in found.artifacts] == [
        (ArtifactKind.FIGURES, 0),
        (ArtifactKind.FIGURES, 1),
    ]
    assert found.facts.extra == {"title": "x", "n_figures": 3}
    for artifact in found.artifacts:
        assert len(list(read_images(artifact.path, artifact.images))) == len(artifact.images)


def test_document_without_figures_is_left_as_it_is(read):
    found = read()

    assert (found.artifacts, found.facts.extra) == ((), {"title": "x"})


def test_picture_on_many_pages_is_a_logo():
    shown = [candidate(page, "logo") for page in range(1, 5)]
    shown += [candidate(page, "twice") for page in (1, 2)] + [candidate(3, "once")]

    assert [(c.page, c.digest) for c in select(shown)] == [(1, "twice"), (3, "once")]


def test_same_picture_under_two_names_is_one_figure(read):
    assert len(images(read(candidate(1, "a"), candidate(2, "b")))) == 1


@pytest.mark.parametrize(
    ("image", "is_figure"),
    [
        (photo(), True),
        (photo(size=(63, 200)), False),
        (photo(size=(64, 700)), True),
        (photo(size=(64, 800)), False),
        (Image.new("RGB", (200, 200), "navy"), False),
        (Image.new("L", (200, 200), 250), False),
    ],
)
def test_icons_rules_and_plain_colour_are_no_figures(image, is_figure):
    assert shows_something(image) is is_figure


def test_figures_beyond_the_limit_are_counted(read):
    found = read(*(candidate(1, str(n), photo(n)) for n in range(5)), n_figures=2)

    assert len(images(found)) == 2
    assert found.facts.extra == {"title": "x", "n_figures": 2, "figures_left_out": 3}


def test_figures_take_no_more_than_their_time(read, monkeypatch):
    monkeypatch.setattr(figures, "_MOST_S", -1.0)

    found = read(candidate())

    assert images(found) == []
    assert found.facts.extra["figures_left_out"] == 1


def test_nobody_looks_for_figures_where_none_are_wanted(read):
    assert images(read(candidate(), n_figures=0)) == []


def test_picture_that_is_broken_is_a_failure_of_its_page(read):
    def break_down():
        raise UnreadableMedia("image7.png: truncated")

    broken = Candidate(3, "b", break_down)

    found = read(candidate(1), broken)

    assert len(images(found)) == 1
    (failure,) = found.failures
    assert (failure.locator.page, failure.message) == (
        3,
        "page 3: a picture: image7.png: truncated",
    )


def test_large_figures_are_made_smaller(read):
    found = read(candidate(image=photo(size=(4000, 3000))))

    assert (images(found)[0].width_px, images(found)[0].height_px) == (1600, 1200)


def test_other_media_have_no_figures(tmp_path):
    media = replace(media_file(tmp_path, b"x"), mime_type="image/png", media_type=MediaType.IMAGE)
    prepared = Prepared(facts=media.facts())

    assert with_figures(media, prepared) is prepared
