import tarfile

import pytest
from PIL import Image

from schemas.asset import ImageMember
from schemas.errors import UnreadableMedia
from workers.media.image_tar import ImageTarWriter, encode_jpeg, read_images


@pytest.fixture
def tar_path(tmp_path):
    return tmp_path / "images.tar"


def test_writer_names_members_by_page_or_running_number(tar_path):
    with ImageTarWriter(tar_path) as writer:
        writer.add(Image.new("RGB", (8, 4)), page=33)
        writer.add(Image.new("L", (6, 6)), start_s=1.0, end_s=2.0, frame_s=1.5)

    first, second = writer.images
    assert first == ImageMember(name="000033.jpg", width_px=8, height_px=4, page=33)
    assert (second.name, second.start_s, second.end_s) == ("000001.jpg", 1.0, 2.0)


def test_writer_tells_images_of_one_page_apart(tar_path):
    with ImageTarWriter(tar_path) as writer:
        for page in (2, 2, 3):
            writer.add(Image.new("L", (6, 6)), page=page, box=(0.0, 0.0, 0.5, 0.5))

    assert [image.name for image in writer.images] == ["000002.jpg", "000002-1.jpg", "000003.jpg"]
    assert writer.images[0].box == (0.0, 0.0, 0.5, 0.5)
    assert len(list(read_images(tar_path, writer.images))) == 3


def test_read_images_returns_the_written_bytes_in_the_order_asked(tar_path):
    jpegs = [encode_jpeg(Image.new("RGB", (8, 8), (shade, 0, 0))) for shade in (0, 100, 200)]
    with ImageTarWriter(tar_path) as writer:
        for jpeg in jpegs:
            writer.add_jpeg(jpeg, 8, 8)

    read = list(read_images(tar_path, writer.images[::-1]))

    assert [data for _, data in read] == jpegs[::-1]
    assert [image.name for image, _ in read] == ["000002.jpg", "000001.jpg", "000000.jpg"]


def test_writer_makes_the_same_bytes_for_the_same_images(tmp_path):
    for name in ("a.tar", "b.tar"):
        with ImageTarWriter(tmp_path / name) as writer:
            writer.add(Image.new("RGB", (8, 8), "red"))

    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_writer_close_may_be_repeated(tar_path):
    writer = ImageTarWriter(tar_path)
    writer.close()
    writer.close()

    with tarfile.open(tar_path) as tar:
        assert tar.getnames() == []


def test_encode_jpeg_leaves_metadata_out():
    image = Image.new("RGB", (8, 8))
    image.info["exif"] = b"Exif\x00\x00secret"
    image.info["comment"] = b"secret"

    assert b"secret" not in encode_jpeg(image)


def test_read_images_refuses_a_tar_without_the_member(tar_path):
    ImageTarWriter(tar_path).close()

    with pytest.raises(UnreadableMedia, match=r"000000\.jpg"):
        list(read_images(tar_path, [ImageMember(name="000000.jpg", width_px=1, height_px=1)]))


def test_read_images_refuses_a_truncated_tar(tar_path):
    with ImageTarWriter(tar_path) as writer:
        writer.add(Image.effect_noise((64, 64), 90))
    tar_path.write_bytes(tar_path.read_bytes()[:1000])

    with pytest.raises(UnreadableMedia):
        list(read_images(tar_path, writer.images))
