import hashlib
import importlib

import pytest
from PIL import Image

from infra.settings import MediaLimits
from schemas.asset import MediaType
from schemas.errors import MediaTooLarge, UnsupportedMedia
from workers.media.formats import MEDIA_TYPES
from workers.media.read import READERS, read_object


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "input"
    Image.new("RGB", (30, 20)).save(path, "JPEG")
    return path


def test_read_object_reads_what_the_content_is(photo, tmp_path):
    prepared = read_object(photo, "holiday.png", tmp_path, MediaLimits())

    content = photo.read_bytes()
    assert prepared.facts.media_type is MediaType.IMAGE
    assert prepared.facts.mime_type == "image/jpeg"
    assert prepared.facts.sha256 == hashlib.sha256(content).hexdigest()
    assert prepared.facts.size_bytes == len(content)


def test_read_object_refuses_large_objects_unread(photo, tmp_path):
    with pytest.raises(MediaTooLarge, match=r"holiday\.jpg: \d+ bytes, the limit is 100"):
        read_object(photo, "holiday.jpg", tmp_path, MediaLimits(object_bytes=100))


def test_read_object_refuses_what_the_name_does_not_claim(photo, tmp_path):
    with pytest.raises(UnsupportedMedia, match="image/jpeg"):
        read_object(photo, "holiday.pdf", tmp_path, MediaLimits())


def test_every_allowed_type_has_a_reader():
    assert set(READERS) == set(MEDIA_TYPES)
    for entry in set(READERS.values()):
        module, _, function = entry.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_a_tiff_may_be_a_document():
    assert READERS["image/tiff"].endswith(":read_tiff")
