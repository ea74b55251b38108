import codecs
import json
from pathlib import Path

import pytest

from schemas.asset import MediaType
from schemas.errors import PermanentError, UnreadableMedia, UnsupportedMedia
from workers.media.formats import CLAIMS, MEDIA_TYPES
from workers.media.sniff import sniff

DATA = Path(__file__).parents[4] / "shared" / "data"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40)
MAIL = b"From: a@b.c\nTo: d@e.f\nSubject: folded\n over two lines\n\nHello"


@pytest.fixture
def sniffed(tmp_path):
    def sniff_bytes(data, name):
        path = tmp_path / "input"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return sniff(path, name)

    return sniff_bytes


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (JPEG, "photo", "image/jpeg"),
        (JPEG, "photo.PNG", "image/jpeg"),
        (JPEG[:4], "cut.jpg", "image/jpeg"),
        (b"plain words", "words.txt", "text/plain"),
        ("x" * 65535 + "ü", "cut-inside-a-character.txt", "text/plain"),
        (b"plain words", "words.unknown", "text/plain"),
        (b"The free software", "licence", "text/plain"),
        (b"MAC addresses and other words", "notes.txt", "text/plain"),
        ("Grüße".encode("latin-1"), "old.txt", "text/plain"),
        ("Grüße".encode("utf-16"), "windows.txt", "text/plain"),
        ("no mark in here".encode("utf-16-le"), "bare.txt", "text/plain"),
        (codecs.BOM_UTF8 + b"<!DOCTYPE html><p>", "page", "text/html"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<html>', "page.txt", "text/html"),
        (b"<p>fragment</p>", "part.html", "text/html"),
        (b"# Title", "read.md", "text/markdown"),
        (b"a\tb", "table.tsv", "text/csv"),
        (b"= Title", "guide.adoc", "text/asciidoc"),
        (MAIL, "saved", "message/rfc822"),
        (b"odd headers", "saved.eml", "message/rfc822"),
        (b"{\\rtf1 hello}", "letter.doc", "application/rtf"),
        (b"ID3\x04\0\0\0\0\0\x02\0\0fLaC" + bytes(40), "song.flac", "audio/flac"),
        (b"ID3\x04\0\0\0\0\0\x02\0\0" + bytes(40), "song.mp3", "audio/mpeg"),
        (bytes(200) + b"\x01\xff\xfb\x90\x64", "cut.mp3", "audio/mpeg"),
        (b"\x01\x02" * 2000 + b"%PDF-1.4", "prefixed.pdf", "application/pdf"),
        (b"\0\0\0\x10ftypisom\0\0\0\0", "sound-only.m4a", "video/mp4"),
    ],
)
def test_sniff_lets_content_decide(sniffed, data, name, expected):
    assert sniffed(data, name) == expected


@pytest.mark.parametrize(
    ("data", "name", "found"),
    [
        (b"%!PS-Adobe-3.0 EPSF", "photo.jpg", "application/postscript"),
        (b"PK\x03\x04" + bytes(60), "photo.png", "application/zip"),
        (JPEG, "report.pdf", r"claims \.pdf, but the content is image/jpeg"),
        (b"plain words", "report.pdf", r"claims \.pdf, but the content is text/plain"),
        (b"plain words", "film.mp4", r"claims \.mp4, but the content is text/plain"),
        (b"{}", "settings.json", "application/json"),
        (b"<svg/>", "drawing", "image/svg.xml.*export it as PNG"),
        (b"<?xml version='1.0'?><!-- a --><s:svg/>", "drawing.xml", "image/svg.xml"),
        (b"<!DOCTYPE svg [<!ENTITY x 'y'>]>\n<svg/>", "drawing.svg", "image/svg.xml"),
        (b"MThd\0\0\0\x06", "tune.mid", "audio/midi"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(9), "backup", "application/x-7z-compressed"),
        (b"\x01\x02\x03\x04", "dump.bin", "unknown type that starts with 01 02 03 04"),
        (b"\x01\x02\x03\x04", "song.mp3", "unknown type that starts with 01 02 03 04"),
    ],
)
def test_sniff_refuses_by_naming_what_was_found(sniffed, data, name, found):
    with pytest.raises(UnsupportedMedia, match=found) as error:
        sniffed(data, name)

    assert name in str(error.value)


def test_sniff_refuses_an_empty_object(sniffed):
    with pytest.raises(UnreadableMedia, match=r"photo\.jpg: 0 bytes"):
        sniffed(b"", "photo.jpg")


def test_sniff_tells_a_broken_office_file_from_an_archive(sniffed):
    with pytest.raises(UnreadableMedia, match=r"broken or lacks the parts of \.docx"):
        sniffed(b"PK\x03\x04" + bytes(60), "report.docx")


def kind_of(path):
    """What the set's layout and truth say a file is; None where it should be refused."""
    top = path.relative_to(DATA).parts[0]
    return {"speech": "audio", "audio": "audio", "malformed": None}.get(top, top)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared test media are not on this machine")
def test_sniff_names_the_kind_of_every_real_file():
    refused, wrong = [], []
    for truth in sorted(DATA.rglob("*.gt.json")):
        path = DATA / json.loads(truth.read_text())["file"]
        kind = kind_of(path)
        try:
            found = MEDIA_TYPES[sniff(path, path.name)]
        except PermanentError:
            refused += [path.name] if kind else []
            continue
        timed = {MediaType.AUDIO, MediaType.VIDEO}
        claim = CLAIMS.get(path.suffix[1:].lower())
        is_same = kind in {None, found} or {kind, found} <= timed or found is claim
        wrong += [] if is_same else [(path.name, found)]

    # Headerless samples and notes can't be told from any other bytes.
    assert refused == ["Twinkle.mid", "audio-16k-s16le.raw"]
    assert wrong == []
