from PIL import Image

from schemas.asset import ArtifactKind
from workers.media.image_tar import read_images
from workers.media.page_images import PageImages, part_of_page, shrunk


def test_page_images_of_no_page_are_no_files(tmp_path):
    assert PageImages(tmp_path).close() == []


def test_page_images_shrinks_pages_and_keeps_scans(tmp_path):
    images = PageImages(tmp_path)
    scan = Image.new("RGB", (1000, 2000), "white")
    images.add_scan(scan, 1)
    images.add_page(scan, 1)

    scans, pages, thumbnail = images.close()

    assert (scans.kind, scans.images[0].height_px) == (ArtifactKind.SCANS, 2000)
    assert (pages.kind, pages.images[0].width_px, pages.images[0].height_px) == ("pages", 224, 448)
    with Image.open(thumbnail.path) as image:
        assert image.size == (160, 320)
    assert [member.page for member, _ in read_images(pages.path, pages.images)] == [1]


def test_part_of_page_counts_32_pages_a_part():
    assert [part_of_page(page) for page in (1, 32, 33)] == [0, 0, 1]


def test_shrunk_never_enlarges_and_keeps_a_pixel():
    assert shrunk(Image.new("L", (10, 5)), 20).size == (10, 5)
    assert shrunk(Image.new("L", (1000, 1)), 100).size == (100, 1)
