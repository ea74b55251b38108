import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from tests.workers.media.media_files import media_file
from workers.media.image_facts import measure, read_exif
from workers.media.image_opening import open_image


@pytest.fixture
def opened(tmp_path):
    def measure_saved(image, name, **options):
        image.save(tmp_path / name, **options)
        with open_image(media_file(tmp_path / name, tmp_path)) as found:
            return measure(found)

    return measure_saved


def exif(**tags):
    made = Image.Exif()
    for name, value in tags.items():
        made[ExifTags.Base[name]] = value
    return made


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_measure_gives_the_displayed_size(opened, orientation):
    image = Image.new("RGB", (40, 30))

    found = opened(image, "turned.jpg", exif=exif(Orientation=orientation))

    turned = orientation in {6, 8}
    assert (found["width_px"], found["height_px"]) == ((30, 40) if turned else (40, 30))
    assert found["extra"]["orientation"] == orientation


def test_measure_counts_what_pillow_turns_by_itself_once(opened):
    found = opened(Image.new("RGB", (40, 30)), "turned.tif", tiffinfo={274: 6})

    assert (found["width_px"], found["height_px"]) == (30, 40)


def test_measure_keeps_tags_as_plain_values(opened):
    made = exif(Make="Maker\0\0", Model="x" * 1000)
    made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:01:02 03:04:05"

    extra = opened(Image.new("RGB", (4, 4)), "tagged.jpg", exif=made)["extra"]

    assert (extra["format"], extra["mode"], extra["has_icc"]) == ("JPEG", "RGB", False)
    assert (extra["camera_make"], len(extra["camera_model"])) == ("Maker", 200)
    assert extra["taken_at"] == "2026:01:02 03:04:05"


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "moving.webp", "moving.avif"])
def test_measure_counts_frames_of_animations(opened, name):
    frames = [Image.new("RGB", (8, 8), shade) for shade in ("red", "green", "blue")]

    assert opened(frames[0], name, save_all=True, append_images=frames[1:])["n_frames"] == 3


def gps(latitude, north, longitude, east):
    made = Image.Exif()
    place = made.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitude], place[ExifTags.GPS.GPSLatitudeRef] = latitude, north
    place[ExifTags.GPS.GPSLongitude], place[ExifTags.GPS.GPSLongitudeRef] = longitude, east
    return made


@pytest.mark.parametrize(
    ("tags", "place"),
    [
        (((48.0, 51.0, 30.0), "N", (2.0, 17.0, 40.2), "E"), (48.858333, 2.2945)),
        (((33.0, 51.0, 24.8), "S", (151.0, 12.0, 54.0), "E"), (-33.856889, 151.215)),
        (((40.0, 41.0, 21.0), "N", (74.0, 2.0, 40.0), "W"), (40.689167, -74.044444)),
        (((95.0, 0.0, 0.0), "N", (2.0, 0.0, 0.0), "E"), (None, None)),
        (((IFDRational(0, 0),) * 3, "N", (2.0, 0.0, 0.0), "E"), (None, None)),
    ],
)
def test_measure_knows_the_place(opened, tags, place):
    extra = opened(Image.new("RGB", (4, 4)), "there.jpg", exif=gps(*tags))["extra"]

    assert (extra.get("latitude"), extra.get("longitude")) == place


def test_measure_knows_the_time_zone(opened):
    made = Image.Exif()
    made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.OffsetTimeOriginal] = "+02:00"

    extra = opened(Image.new("RGB", (4, 4)), "when.jpg", exif=made)["extra"]

    assert extra["taken_at_offset"] == "+02:00"


@pytest.mark.parametrize(
    ("note", "clip", "expected"),
    [
        (b'<x GCamera:MotionPhoto="1"/>', b"\0\0\0\x18ftypmp42" + bytes(90), 102),
        (b'<x GCamera:MotionPhoto="1"/>', b"", None),
        (b"<x/>", b"\0\0\0\x18ftypmp42" + bytes(90), None),
    ],
)
def test_measure_knows_the_clip_of_a_motion_photo(tmp_path, note, clip, expected):
    path = tmp_path / "motion.jpg"
    Image.new("RGB", (40, 30)).save(path, xmp=note)
    path.write_bytes(path.read_bytes() + clip)

    with open_image(media_file(path, tmp_path)) as image:
        extra = measure(image)["extra"]

    assert extra.get("motion_video_bytes") == expected


def test_read_exif_of_a_broken_block_is_empty(tmp_path):
    image = Image.new("RGB", (4, 4))
    image.info["exif"] = b"Exif\0\0MM\0*\xff\xff"

    assert dict(read_exif(image)) == {}
