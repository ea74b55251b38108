import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from schemas.asset import ArtifactKind, MediaType
from schemas.errors import MediaTooLarge, PermanentError, UnreadableMedia
from schemas.segment import Page
from tests.workers.media.media_files import media_file
from workers.media.image_tar import read_images
from workers.media.images import read_image, read_tiff

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the shared test media are not on this machine"
)


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def saved(tmp_path, scratch):
    def save(name, *images, limits=None, **options):
        first, *rest = images
        more = {"save_all": True, "append_images": rest} if rest else {}
        first.save(tmp_path / name, **more, **options)
        return media_file(tmp_path / name, scratch, **(limits or {}))

    return save


def by_kind(prepared):
    return {(artifact.kind, artifact.part): artifact for artifact in prepared.artifacts}


def only_image(artifact):
    ((member, data),) = read_images(artifact.path, artifact.images)
    return member, Image.open(BytesIO(data))


def shades(n):
    return [Image.new("L", (20, 10), 10 * i) for i in range(n)]


def test_read_image_makes_a_view_and_a_thumbnail(saved):
    prepared = read_image(saved("large.jpg", Image.effect_noise((2000, 1000), 40)))

    artifacts = by_kind(prepared)
    member, view = only_image(artifacts[ArtifactKind.VIEW, 0])
    with Image.open(artifacts[ArtifactKind.THUMBNAIL, 0].path) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (320, 160))
    assert (view.format, view.mode, view.size) == ("JPEG", "RGB", (1600, 800))
    assert (member.width_px, member.height_px) == view.size


def test_read_image_measures_the_original(saved):
    facts = read_image(saved("large.png", Image.new("RGB", (2000, 1000)))).facts

    assert (facts.width_px, facts.height_px, facts.n_frames) == (2000, 1000, 1)
    assert (facts.media_type, facts.mime_type) == (MediaType.IMAGE, "image/png")
    json.dumps(facts.extra)


@pytest.mark.parametrize(("n_frames", "kind"), [(1, MediaType.IMAGE), (2, MediaType.VIDEO)])
@pytest.mark.parametrize("ending", ["gif", "webp", "png", "avif"])
def test_read_image_takes_several_frames_for_a_video(saved, ending, n_frames, kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")[:n_frames]]

    facts = read_image(saved(f"moving.{ending}", *frames, duration=200)).facts

    assert (facts.media_type, facts.n_frames) == (kind, n_frames)


def test_read_image_takes_the_base_image_of_one_with_a_gain_map(saved):
    # Given a second, smaller picture behind the first one, as Ultra HDR and stereo cameras do
    base, gain = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (16, 12), "white")

    prepared = read_image(saved("hdr.jpg", base, gain, format="MPO"))

    _, view = only_image(by_kind(prepared)[ArtifactKind.VIEW, 0])
    assert (prepared.facts.media_type, prepared.facts.n_frames) == (MediaType.IMAGE, 1)
    assert (view.size, view.getpixel((30, 20))[0] > 200) == ((64, 48), True)


@pytest.mark.parametrize(
    "name", ["cut.jpg", "cut.png", "cut.gif", "cut.webp", "cut.bmp", "cut.avif"]
)
def test_read_image_refuses_a_truncated_file(saved, name):
    media = saved(name, Image.effect_noise((200, 200), 90).convert("RGB"))
    whole = media.path.read_bytes()
    media.path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(UnreadableMedia, match=rf"{name}: \w"):
        read_image(media)


def test_read_tiff_of_one_page_is_an_image(saved):
    prepared = read_tiff(saved("one.tif", Image.new("RGB", (20, 10))))

    assert prepared.facts.media_type is MediaType.IMAGE
    assert set(by_kind(prepared)) == {(ArtifactKind.VIEW, 0), (ArtifactKind.THUMBNAIL, 0)}


def test_read_tiff_of_many_pages_is_a_document_in_parts(saved):
    prepared = read_tiff(saved("many.tif", *shades(33)))

    artifacts = by_kind(prepared)
    assert (prepared.facts.media_type, prepared.facts.n_pages) == (MediaType.DOCUMENT, 33)
    assert [len(artifacts[ArtifactKind.SCANS, part].images) for part in (0, 1)] == [32, 1]
    assert artifacts[ArtifactKind.PAGES, 1].images[0].page == 33
    assert (ArtifactKind.THUMBNAIL, 0) in artifacts


def test_read_tiff_leaves_smaller_copies_out(saved):
    first, second = (Image.new("L", size) for size in ((20, 10), (10, 5)))
    second.encoderinfo = {"tiffinfo": {254: 1}}

    prepared = read_tiff(saved("pyramid.tif", first, second))

    assert (prepared.facts.media_type, prepared.facts.width_px) == (MediaType.IMAGE, 20)


def test_read_tiff_turns_each_page_by_its_own_tag(saved):
    pages = shades(3)
    pages[1].encoderinfo = {"tiffinfo": {274: 6}}

    scans = by_kind(read_tiff(saved("turned.tif", *pages)))[ArtifactKind.SCANS, 0].images

    assert [(scan.width_px, scan.height_px) for scan in scans] == [(20, 10), (10, 20), (20, 10)]


def test_read_tiff_reports_a_broken_page_and_reads_the_rest(saved):
    media = saved("many.tif", *shades(3), compression="tiff_adobe_deflate")
    with Image.open(media.path) as image:
        image.seek(1)
        offset = image.tag_v2[273][0]
    content = bytearray(media.path.read_bytes())
    content[offset : offset + 4] = b"\xff" * 4
    media.path.write_bytes(content)

    prepared = read_tiff(media)

    pages = [image.page for image in by_kind(prepared)[ArtifactKind.SCANS, 0].images]
    assert pages == [1, 3]
    assert [failure.locator for failure in prepared.failures] == [Page(page=2)]
    assert (prepared.failures[0].category, prepared.facts.n_pages) == ("UnreadableMedia", 3)


def test_read_tiff_refuses_a_document_without_one_whole_page(saved):
    media = saved("many.tif", *shades(2), compression="tiff_adobe_deflate")
    with Image.open(media.path) as image:
        offsets = []
        for frame in (0, 1):
            image.seek(frame)
            offsets.append(image.tag_v2[273][0])
    content = bytearray(media.path.read_bytes())
    for offset in offsets:
        content[offset : offset + 4] = b"\xff" * 4
    media.path.write_bytes(content)

    with pytest.raises(UnreadableMedia, match="none of 2 pages"):
        read_tiff(media)


def test_read_tiff_refuses_too_many_pages(saved):
    with pytest.raises(MediaTooLarge, match="3 pages, the limit is 2"):
        read_tiff(saved("many.tif", *shades(3), limits={"n_pages": 2}))


def test_read_tiff_fails_only_the_page_that_is_too_large(saved):
    large, small = Image.new("L", (50, 50)), Image.new("L", (5, 5))

    prepared = read_tiff(saved("mixed.tif", small, large, limits={"image_px": 1000}))

    assert [(f.category, f.locator) for f in prepared.failures] == [("MediaTooLarge", Page(page=2))]


def real_files(folder):
    truths = sorted((DATA / folder).rglob("*.gt.json"))
    return [(DATA / json.loads(t.read_text())["file"], json.loads(t.read_text())) for t in truths]


def read_any(path, scratch):
    media = media_file(path, scratch)
    return read_tiff(media) if media.mime_type == "image/tiff" else read_image(media)


@needs_data
def test_real_images_have_the_size_and_frames_that_their_truth_says(scratch):
    wrong = []
    for path, truth in real_files("image/pillow") + real_files("image/modes"):
        facts = truth.get("facts", {})
        if "display_width" not in facts:
            continue
        found = read_any(path, scratch).facts
        expected = (facts["display_width"], facts["display_height"], facts["frames"])
        if (found.width_px, found.height_px, found.n_frames) != expected:
            wrong.append((path.name, found))

    assert wrong == []


@needs_data
def test_malformed_images_are_read_or_refused_for_good(scratch):
    read, refused = [], {}
    for path, _ in real_files("malformed/image"):
        try:
            read.append(read_any(path, scratch))
        except PermanentError as exc:
            refused[path.name] = str(exc)

    assert len(read) + len(refused) == 70
    assert all(name in message for name, message in refused.items())
    assert len(read) >= 19  # what Pillow alone could load
