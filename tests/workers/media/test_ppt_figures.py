import struct
from io import BytesIO

from PIL import Image

from schemas.asset import ArtifactKind
from tests.workers.media import tiny_ppt as tiny
from tests.workers.media.media_files import media_file
from workers.media.figures import with_figures
from workers.media.office import read_office
from workers.media.ppt_records import Kind

#: A picture with one digest, and one with two.
ONE, TWO = 0x6E0, 0x6E1


def png(seed):
    buffer = BytesIO()
    Image.effect_noise((120, 90), 60 + seed).save(buffer, "PNG")
    return buffer.getvalue()


def figures(tmp_path, data):
    path = tmp_path / "deck.ppt"
    path.write_bytes(data)
    media = media_file(path, tmp_path)
    prepared = with_figures(media, read_office(media))
    images = [i for a in prepared.artifacts if a.kind == ArtifactKind.FIGURES for i in a.images]
    return [image.page for image in images], prepared


def shown(number):
    return tiny.slide(tiny.shape(properties=tiny.properties((0x104, number))))


def test_pictures_have_the_slide_that_shows_them(tmp_path):
    first = tiny.atom(Kind.PNG, bytes(17) + png(1), instance=ONE)
    drawn = tiny.atom(0xF01A, bytes(50))
    second = tiny.atom(Kind.PNG, bytes(33) + png(2), instance=TWO)
    slides = [shown(number) for number in (3, 1, 2, 1, 99)]
    deck = tiny.presentation(*slides, pictures=(first, drawn, second))

    pages, prepared = figures(tmp_path, deck)

    assert pages == [1, 2]
    assert prepared.failures == []


def test_a_broken_picture_is_a_failure_of_its_slide(tmp_path):
    cut = tiny.atom(Kind.PNG, bytes(17) + png(1)[:2000], instance=ONE)
    broken = tiny.slide(tiny.shape(tiny.atom(Kind.TEXT_HEADER, b"1")))
    no_anchor = tiny.slide(tiny.container(Kind.SHAPE, tiny.atom(Kind.ANCHOR, struct.pack("<h", 1))))

    slides = [shown(1), shown(2), tiny.slide(tiny.shape(tiny.text("good"))), broken, no_anchor]

    deck = tiny.presentation(*slides, pictures=(cut, b""))
    pages, prepared = figures(tmp_path, deck)

    assert pages == []
    assert [failure.locator.page for failure in prepared.failures] == [4, 5, 1]


def test_a_deck_without_pictures_has_none(tmp_path):
    assert figures(tmp_path, tiny.presentation(tiny.slide(tiny.shape(tiny.text("a")))))[0] == []
