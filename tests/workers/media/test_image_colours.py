import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from tests.workers.media.media_files import media_file
from workers.media.image_colours import render
from workers.media.image_opening import open_image


@pytest.fixture
def rendered(tmp_path):
    def render_saved(image, name, edge_px=1600, **options):
        image.save(tmp_path / name, **options)
        with open_image(media_file(tmp_path / name, tmp_path)) as opened:
            return render(opened, edge_px)

    return render_saved


def quadrants():
    """Red, green; blue, white: no turn or mirror of it looks the same."""
    image = Image.new("RGB", (64, 48), "white")
    for colour, corner in (("red", (0, 0)), ("lime", (32, 0)), ("blue", (0, 24))):
        image.paste(colour, (*corner, corner[0] + 32, corner[1] + 24))
    return image


def is_close(found, expected, tolerance=6):
    difference = np.asarray(found, dtype=int) - np.asarray(expected, dtype=int)
    return bool(np.abs(difference).mean() < tolerance)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "tif", "png", "webp"])
def test_render_turns_every_orientation_upright_once(rendered, orientation, ending):
    stored = ImageOps.exif_transpose(quadrants())
    exif = Image.Exif()
    exif[274] = orientation
    options = {"tiffinfo": {274: orientation}} if ending == "tif" else {"exif": exif}
    # The inverse of a quarter turn is the other one; all others are their own.
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    undo = Image.Exif()
    undo[274] = inverse
    stored.info["exif"] = undo.tobytes()
    stored = ImageOps.exif_transpose(stored)
    stored.info.clear()

    assert is_close(rendered(stored, f"turned.{ending}", **options), quadrants())


def test_render_turns_later_pages_of_a_tiff_too(tmp_path):
    upright, stored = quadrants(), quadrants().transpose(Image.Transpose.ROTATE_90)
    stored.encoderinfo = {"tiffinfo": {274: 6}}
    upright.save(tmp_path / "pages.tif", save_all=True, append_images=[stored, upright])

    with open_image(media_file(tmp_path / "pages.tif", tmp_path)) as opened:
        for page in range(3):
            opened.seek(page)
            assert is_close(render(opened, 1600), quadrants())


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("CMYK", "ink.jpg"),
        ("CMYK", "ink.tif"),
        ("LAB", "lab.tif"),
        ("YCbCr", "video.tif"),
        ("P", "palette.png"),
        ("RGBA", "alpha.png"),
    ],
)
def test_render_keeps_colours_of_every_mode(rendered, mode, name):
    image = quadrants()
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(
            image, ImageCms.createProfile("sRGB"), lab, outputMode=mode
        )
    else:
        image = image.convert(mode)

    found = rendered(image, name)

    assert found.mode == "RGB"
    assert is_close(found, quadrants(), tolerance=12)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_render_puts_transparency_on_white(rendered, mode):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0)).convert(mode)
    options = {"transparency": 0} if mode == "P" else {}

    assert is_close(rendered(image, "clear.png", **options), Image.new("RGB", (8, 8), "white"))


@pytest.mark.parametrize("white", [1023, 4095, 65535])
def test_render_scales_deep_greys_by_the_bits_in_use(rendered, white):
    ramp = np.linspace(0, white, 64, dtype=np.uint16).reshape(1, 64).repeat(8, axis=0)

    found = np.asarray(rendered(Image.fromarray(ramp), "deep.tif"))

    assert found[0, :, 0].tolist() == sorted(found[0, :, 0].tolist())
    assert (found.min(), found.max()) == (0, 255)


def test_render_scales_floats_by_their_range(rendered):
    pixels = np.array([[-2.0, 0.0, np.nan, 2.0]], dtype=np.float32)

    assert np.asarray(rendered(Image.fromarray(pixels), "f.tif"))[0, :, 0].tolist() == [
        0,
        127,
        127,
        255,
    ]


@pytest.mark.parametrize("mode", ["F", "I;16", "1", "L"])
def test_render_takes_a_black_picture(rendered, mode):
    assert rendered(Image.new(mode, (4, 4)), "black.tif").getextrema() == ((0, 0),) * 3


def test_render_converts_through_the_embedded_profile(rendered):
    image = Image.new("RGB", (8, 8), (120, 60, 30))
    swapped = linear_profile()

    plain = rendered(image, "plain.png")
    converted = rendered(image, "profile.png", icc_profile=swapped)

    assert plain.getpixel((0, 0)) == (120, 60, 30)
    assert converted.getpixel((0, 0))[0] > 170  # linear 0.47 is sRGB 0.71


def linear_profile():
    """sRGB's primaries with a straight curve, made by editing the curves of a real profile."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    n_tags = int.from_bytes(profile[128:132], "big")
    for entry in range(132, 132 + 12 * n_tags, 12):
        at = int.from_bytes(profile[entry + 4 : entry + 8], "big")
        if bytes(profile[entry : entry + 4]) in {b"rTRC", b"gTRC", b"bTRC"}:
            profile[at : at + 12] = b"curv" + bytes(8)
        if bytes(profile[entry : entry + 4]) == b"desc":
            size = int.from_bytes(profile[entry + 8 : entry + 12], "big")
            text = bytes(profile[at : at + size])
            profile[at : at + size] = text.replace(
                "sRGB".encode("utf-16-be"), "line".encode("utf-16-be")
            )
    return bytes(profile)


@pytest.mark.parametrize("profile", [b"nonsense", "grey"])
def test_render_ignores_a_profile_that_does_not_fit(rendered, profile):
    image = Image.new("RGB", (8, 8), (120, 60, 30))
    if profile == "grey":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()

    assert rendered(image, "odd.png", icc_profile=profile).getpixel((0, 0)) == (120, 60, 30)


@pytest.mark.parametrize("size", [(3000, 200), (200, 3000), (3000, 1)])
def test_render_bounds_the_long_edge(rendered, size):
    found = rendered(Image.new("RGB", size), "long.jpg", edge_px=1600)

    assert max(found.size) == 1600
    assert min(found.size) == max(1, round(min(size) * 1600 / 3000))


def test_render_never_enlarges(rendered):
    assert rendered(Image.new("RGB", (10, 20)), "small.jpg").size == (10, 20)
