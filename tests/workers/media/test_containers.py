import zipfile

import pytest

from schemas.errors import EncryptedMedia, UnreadableMedia
from tests.workers.media.tiny_compound import compound
from workers.media.containers import OLE, ZIP, find_container

XLS = "application/vnd.ms-excel"


@pytest.fixture
def sniffed(tmp_path):
    def sniff_bytes(data):
        path = tmp_path / "input"
        path.write_bytes(data)
        return find_container(path, data[:65536], "a.doc")

    return sniff_bytes


@pytest.fixture
def zipped(tmp_path):
    def make_zip(*names, mimetype=None, compression=zipfile.ZIP_STORED):
        path = tmp_path / "made.zip"
        with zipfile.ZipFile(path, "w") as archive:
            if mimetype:
                archive.writestr("mimetype", mimetype, compression)
            for name in names:
                archive.writestr(name, "x")
        return path.read_bytes()

    return make_zip


def ftyp(*brands):
    body = brands[0] + bytes(4) + b"".join(brands[1:])
    return (8 + len(body)).to_bytes(4, "big") + b"ftyp" + body


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("word/document2.xml", "wordprocessingml.document"),
        ("xl/workbook.xml", "spreadsheetml.sheet"),
        ("ppt/presentation.xml", "presentationml.presentation"),
    ],
)
def test_office_package_is_named_by_its_main_folder(sniffed, zipped, folder, expected):
    found = sniffed(zipped("[Content_Types].xml", folder))

    assert found == f"application/vnd.openxmlformats-officedocument.{expected}"


def test_opendocument_names_itself(sniffed, zipped):
    text = "application/vnd.oasis.opendocument.text"

    assert sniffed(zipped("content.xml", mimetype=text)) == text
    assert sniffed(zipped("content.xml", mimetype=f"{text}-template")) == text


def test_epub_without_a_leading_mimetype_is_found_by_its_container(sniffed, zipped):
    assert sniffed(zipped("META-INF/container.xml")) == "application/epub+zip"


def test_other_and_broken_zips_are_just_zips(sniffed, zipped):
    package = zipped("[Content_Types].xml", "word/document.xml")

    assert sniffed(zipped("photo.jpg")) == ZIP
    assert sniffed(zipped("[Content_Types].xml")) == ZIP
    assert sniffed(package[: len(package) // 2]) == ZIP


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        (["WordDocument"], "application/msword"),
        (["WordDocument", "Workbook"], "application/msword"),
        (["__properties_version1.0", "WordDocument"], "application/vnd.ms-outlook"),
        (["Book"], XLS),
        (["PowerPoint Document"], "application/vnd.ms-powerpoint"),
        (["Notebook", "folder/WordDocument"], OLE),
        ([f"{n} long enough to fill the first sectors" for n in range(900)] + ["Book"], XLS),
    ],
)
def test_ole_is_named_by_its_streams(sniffed, streams, expected):
    assert sniffed(compound(dict.fromkeys(streams, b"x"))) == expected


def test_a_broken_compound_file_is_unreadable(sniffed):
    with pytest.raises(UnreadableMedia, match=r"a\.doc: a broken compound file"):
        sniffed(compound({"WordDocument": b"x"})[:600])


@pytest.mark.parametrize("name", ["EncryptedPackage", "EncryptedSummary"])
def test_encrypted_office_file_is_refused(sniffed, name):
    with pytest.raises(EncryptedMedia, match=r"a\.doc: .* password"):
        sniffed(compound({name: b"x", "PowerPoint Document": b"x"}))


def test_message_with_an_encrypted_attachment_is_a_message(sniffed):
    attached = "__attach_version1.0_#00000000/__substg1.0_37010102"
    inner = compound({"EncryptedPackage": b"x"})

    found = sniffed(compound({"__properties_version1.0": b"x", attached: inner}))

    assert found == "application/vnd.ms-outlook"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (ftyp(b"heic", b"mif1"), "image/heif"),
        (ftyp(b"mif1", b"avif"), "image/avif"),
        (ftyp(b"avis", b"iso8"), "image/avif"),
        (ftyp(b"M4A ", b"isom"), "audio/mp4"),
        (ftyp(b"isom", b"M4A "), "video/mp4"),
        (ftyp(b"qt  "), "video/quicktime"),
        (ftyp(b"isom", b"mp42"), "video/mp4"),
        (b"\0\0\0\x08wide", "video/mp4"),
        (b"\0\0\0\x08none", None),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
        (b"RIFF\0\0\0\0RMIDdata", None),
        (b"FORM\0\0\0\0AIFC", "audio/aiff"),
        (b"OggS\0\x02" + bytes(22) + b"\x01\x1eOpusHead", "audio/ogg"),
        (b"OggS\0\x02" + bytes(22) + b"\x80theora", "video/ogg"),
        (b"\x1a\x45\xdf\xa3\x42\x82\x84webm\x86\x85V_VP9", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x42\x82\x84webm\x86\x86A_OPUS", "audio/webm"),
        (b"\x1a\x45\xdf\xa3\x42\x82\x88matroska", "video/x-matroska"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(20), "audio/x-ms-wma"),
    ],
)
def test_media_containers_say_what_they_hold(sniffed, head, expected):
    assert sniffed(head) == expected
