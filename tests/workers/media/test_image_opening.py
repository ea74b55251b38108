import errno

import pytest
from PIL import Image

from schemas.errors import MediaTooLarge, UnreadableMedia
from tests.workers.media.media_files import media_file
from workers.media.image_opening import decoding, open_image


def test_open_image_refuses_too_many_pixels_by_the_header(tmp_path):
    Image.new("L", (30, 20)).save(tmp_path / "large.png")
    media = media_file(tmp_path / "large.png", tmp_path, image_px=599)

    with pytest.raises(MediaTooLarge, match="pixels, the limit is 599"), open_image(media):
        pytest.fail("it was opened")


def test_open_image_takes_exactly_the_limit(tmp_path):
    Image.new("L", (30, 20)).save(tmp_path / "large.png")

    with open_image(media_file(tmp_path / "large.png", tmp_path, image_px=600)) as image:
        assert image.size == (30, 20)


def test_open_image_gives_the_bytes_to_no_other_decoder(tmp_path):
    path = tmp_path / "wolf.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"GIF89a")
    media = media_file(path, tmp_path)

    with pytest.raises(UnreadableMedia, match="image/png header is broken"), open_image(media):
        pytest.fail("it was opened")


def test_decoding_restores_pillow_s_own_limit(tmp_path):
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS

    with decoding(media_file(tmp_path / "a.png", tmp_path, image_px=7)):
        assert Image.MAX_IMAGE_PIXELS == 7

    assert before == Image.MAX_IMAGE_PIXELS


def test_decoding_leaves_the_system_s_trouble_and_our_defects_alone(tmp_path):
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    media = media_file(tmp_path / "a.png", tmp_path)

    with pytest.raises(OSError, match="Input/output"), decoding(media):
        raise OSError(errno.EIO, "Input/output error")
    with pytest.raises(AssertionError), decoding(media):
        raise AssertionError
