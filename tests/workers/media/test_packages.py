import pytest

from schemas.errors import EncryptedMedia, MediaTooLarge, UnreadableMedia
from tests.workers.media.tiny_office import DOCX, OLE_MAGIC, archive
from tests.workers.media.tiny_pdf import media_file
from workers.media.packages import check_package


def test_check_package_passes_an_archive_of_normal_size(tmp_path):
    check_package(media_file(tmp_path, archive({"a.xml": "x" * 100_000}), DOCX))


def test_check_package_passes_what_is_no_archive(tmp_path):
    check_package(media_file(tmp_path, b"{\\rtf1 text}", "application/rtf"))
    check_package(media_file(tmp_path, OLE_MAGIC + b"\0" * 600, "application/msword"))


def test_check_package_refuses_what_unpacks_to_too_much(tmp_path):
    bomb = archive({"a.xml": b"\0" * (65 << 20)})

    with pytest.raises(MediaTooLarge, match=f"unpack to {65 << 20}"):
        check_package(media_file(tmp_path, bomb, DOCX))


def test_check_package_refuses_more_than_the_limit(tmp_path):
    with pytest.raises(MediaTooLarge, match="unpack to 100000, at most 5000"):
        check_package(
            media_file(tmp_path, archive({"a.xml": "x" * 100_000}), DOCX, unpacked_bytes=5000)
        )
    with pytest.raises(MediaTooLarge, match="100 bytes, at most 50"):
        check_package(media_file(tmp_path, b"x" * 100, "text/html", unpacked_bytes=50))


def test_check_package_knows_encrypted_archives(tmp_path):
    data = bytearray(archive({"a.xml": "text"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1

    with pytest.raises(EncryptedMedia, match="password"):
        check_package(media_file(tmp_path, bytes(data), DOCX))


def test_check_package_refuses_half_an_archive(tmp_path):
    data = archive({"a.xml": "x" * 1000})

    with pytest.raises(UnreadableMedia, match="archive"):
        check_package(media_file(tmp_path, data[: len(data) // 2], DOCX))
