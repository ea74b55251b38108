import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from schemas.asset import ArtifactKind, MediaType
from schemas.errors import MediaTooLarge, UnreadableMedia
from schemas.segment import TimeSpan
from tests.workers.media.media_files import media_file
from workers.media import animation
from workers.media.image_tar import read_images
from workers.media.images import read_image

DATA = Path(__file__).parents[4] / "shared" / "data"
COLOURS = ("red", "lime", "blue", "yellow")
#: Colours whose brightness differs too: detectors look for more than another hue.
SLIDES = ("darkred", "lime", "navy")


@pytest.fixture
def read(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def read(name, *images, duration=500, limits=None, damage=bytes, **options):
        first, *rest = images
        path = tmp_path / name
        first.save(path, save_all=True, append_images=rest, duration=duration, **options)
        path.write_bytes(damage(path.read_bytes()))
        return read_image(media_file(path, scratch, **(limits or {})))

    return read


def plain(colour, size=(64, 48)):
    return Image.new("RGB", size, colour)


def noise(n, size=(64, 48)):
    return [Image.effect_noise(size, 20 + 40 * i).convert("RGB") for i in range(n)]


def members(prepared, kind):
    [artifact] = [a for a in prepared.artifacts if a.kind is kind]
    return list(read_images(artifact.path, artifact.images))


@pytest.mark.parametrize("name", ["slides.gif", "slides.webp", "slides.png", "slides.avif"])
def test_an_animation_is_a_video_with_shots(read, name):
    # Given a second of each colour, in two frames
    frames = [plain(colour) for colour in SLIDES for _ in range(2)]
    for number, frame in enumerate(frames):
        frame.putpixel((number, 0), (9 * number, 0, 0))  # equal frames would be written as one

    prepared = read(name, *frames)

    facts = prepared.facts
    assert (facts.media_type, facts.has_video, facts.n_frames) == (MediaType.VIDEO, True, 6)
    assert (facts.width_px, facts.height_px) == (64, 48)
    assert facts.duration_s == pytest.approx(3.0)
    assert facts.fps == pytest.approx(2.0)
    assert [s["start_s"] for s in facts.extra["shots"]] == [0.0, 1.0, 2.0]
    colours = [
        Image.open(BytesIO(jpeg)).getpixel((32, 24))
        for _, jpeg in members(prepared, ArtifactKind.KEYFRAMES)
    ]
    assert [max(range(3), key=colour.__getitem__) for colour in colours] == [0, 1, 2]
    assert len(members(prepared, ArtifactKind.FRAMES)) == 3


def test_a_still_animation_is_embedded_once(read):
    frames = [plain("teal") for _ in range(20)]
    for number, frame in enumerate(frames):
        frame.putpixel((number, 0), (0, 0, 0))

    prepared = read("still.gif", *frames, duration=1000)

    assert prepared.facts.duration_s == pytest.approx(20.0)
    assert len(members(prepared, ArtifactKind.FRAMES)) == 1


@pytest.mark.parametrize("duration", [0, 10])
def test_frames_without_a_length_are_shown_as_browsers_do(read, duration):
    prepared = read("fast.gif", *noise(5), duration=duration)

    assert prepared.facts.duration_s == pytest.approx(0.5)


def test_frames_of_varying_length_keep_their_times(read):
    prepared = read("slow.gif", *noise(4), duration=[500, 2000, 1000, 300])

    assert prepared.facts.duration_s == pytest.approx(3.8)
    [frames] = [a.images for a in prepared.artifacts if a.kind is ArtifactKind.KEYFRAMES]
    assert {image.frame_s for image in frames} <= {0.0, 0.5, 2.5, 3.5}


def test_the_picture_for_viewers_without_animation_is_no_frame(read):
    prepared = read("hidden.png", plain("red"), *noise(3), default_image=True)

    assert prepared.facts.n_frames == 3
    assert prepared.facts.duration_s == pytest.approx(1.5)


def test_transparent_frames_lie_on_white(read):
    frames = [Image.new("RGBA", (20, 20), (0, 0, 0, 0)) for _ in range(2)]
    frames[1].putpixel((0, 0), (255, 0, 0, 255))

    [(_, jpeg)] = members(read("clear.webp", *frames, lossless=True), ArtifactKind.KEYFRAMES)

    assert min(Image.open(BytesIO(jpeg)).getpixel((10, 10))) > 250


def test_an_animation_that_is_cut_keeps_what_came_before(read):
    prepared = read("cut.png", *noise(6), damage=lambda content: content[: len(content) * 2 // 3])

    [failure] = prepared.failures
    assert 1 <= prepared.facts.n_frames < 6
    assert failure.category == "UnreadableMedia"
    end_s = prepared.facts.duration_s
    assert failure.locator == TimeSpan(start_s=end_s, end_s=end_s)


def test_an_animation_without_one_whole_frame_is_refused(read):
    with pytest.raises(UnreadableMedia):
        read("cut.webp", *noise(3), damage=lambda content: content[: len(content) // 5])


def test_an_animation_is_looked_at_up_to_the_limits(read, monkeypatch):
    monkeypatch.setattr(animation, "MOST_FRAMES", 4)

    prepared = read("long.gif", *noise(6))

    assert prepared.facts.n_frames == 4
    assert prepared.facts.duration_s == pytest.approx(2.0)
    [failure] = prepared.failures
    assert (failure.category, failure.locator.start_s) == ("MediaTooLarge", 2.0)
    assert "frame 5 of 6" in failure.message


def test_pixels_of_all_frames_are_limited_too(read, monkeypatch):
    monkeypatch.setattr(animation, "MOST_PX", 3 * 64 * 48)

    assert read("large.gif", *noise(6)).facts.n_frames == 3


def test_an_animation_longer_than_the_limit_for_videos_is_refused(read):
    with pytest.raises(MediaTooLarge, match="2 s of video"):
        read("endless.gif", *noise(6), limits={"duration_s": 2})


def test_known_animations_have_the_length_of_their_truth(tmp_path):
    truths = [p for p in (DATA / "image").rglob("*.gt.json") if "animation_ms" in p.read_text()]
    if not truths:
        pytest.skip("needs the shared images")

    wrong = []
    for path in truths:
        facts = json.loads(path.read_text())["facts"]
        found = read_image(media_file(path.with_name(path.name[:-8]), tmp_path)).facts
        is_close = abs(found.duration_s - facts["animation_ms"] / 1000) < 0.05
        if (found.media_type, found.n_frames) != (MediaType.VIDEO, facts["frames"]) or not is_close:
            wrong.append((path.name, found))

    assert wrong == []
