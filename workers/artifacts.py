"""What a job reads, and where in the asset it stands."""

from collections.abc import Iterator

from schemas.asset import AudioPart, ImageMember
from schemas.segment import Box, Page, Region, TimeSpan
from workers.media.image_tar import read_images
from workers.samples import AudioSamples
from workers.stage import Source


def images_of(source: Source) -> Iterator[tuple[ImageMember, bytes]]:
    """The JPEGs of an image artifact, one at a time.

    Raises:
        UnreadableMedia: the artifact is broken.
    """
    assert source.path
    assert source.artifact
    return read_images(source.path, source.artifact.images)


def audio_of(source: Source) -> tuple[AudioPart, AudioSamples]:
    """An audio artifact; the caller closes the samples.

    Raises:
        UnreadableMedia: the artifact is broken.
    """
    assert source.path
    assert source.artifact
    assert source.artifact.audio
    return source.artifact.audio, AudioSamples(source.path)


def place_of(image: ImageMember) -> Page | TimeSpan | None:
    """The page an image shows, or the shot it stands for; None for a picture."""
    if image.page is not None:
        return Page(page=image.page)
    if image.start_s is None or image.end_s is None:
        return None
    return TimeSpan(start_s=image.start_s, end_s=image.end_s)


def spot_of(image: ImageMember) -> Page | Region | TimeSpan | None:
    """The same; of a figure, the part of its page that it is, if that is known."""
    if image.page is None or image.box is None:
        return place_of(image)
    return Region(box=Box(*image.box), within=Page(page=image.page))
