import pytest

from schemas.errors import MediaTooLarge, UnreadableMedia
from tests.workers.media.test_office_figures import png
from tests.workers.media.tiny_pdf import media_file
from workers.media.pictures import load_picture


@pytest.fixture
def media(tmp_path):
    return media_file(tmp_path, b"document", image_px=20_000)


def test_picture_is_decoded_like_an_image(media):
    image = load_picture(media, "a.png", png(size=(120, 90)))

    assert (image.size, image.mode) == ((120, 90), "RGB")


@pytest.mark.parametrize("data", [b"text", b"%PDF-1.4", b"PK\x03\x04", b"<svg xmlns='x'/>"])
def test_what_is_no_picture_is_none(media, data):
    assert load_picture(media, "a", data) is None


def test_picture_with_too_many_pixels_is_refused(media):
    with pytest.raises(MediaTooLarge, match=r"a\.png: .* the limit is 20000"):
        load_picture(media, "a.png", png(size=(200, 150)))


@pytest.mark.parametrize("data", [b"", png()[:300]])
def test_picture_that_is_cut_off_is_refused(media, data):
    with pytest.raises(UnreadableMedia):
        load_picture(media, "a.png", data)
