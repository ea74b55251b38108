"""Figures of books and web pages: pictures of chapters, and those that a page carries itself."""

import base64
import binascii
import hashlib
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from schemas.errors import UnreadableMedia
from workers.media import webpage
from workers.media.books import Book
from workers.media.figures import Candidate
from workers.media.media_file import MediaFile
from workers.media.pictures import load_picture

if TYPE_CHECKING:
    from PIL.Image import Image

_HREFS = ("src", "href", "{http://www.w3.org/1999/xlink}href", "xlink:href")
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError)
#: A picture inside an address; what it is, its bytes say.
_DATA_URI = re.compile(
    rb"""["'(]data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s%]+)["')]""", re.IGNORECASE
)


@contextmanager
def find_in_book(media: MediaFile) -> Iterator[list[Candidate]]:
    """Pictures of the chapters of an EPUB, by chapter."""
    with closing(Book(media)) as book, zipfile.ZipFile(media.path) as archive:
        yield [
            Candidate(page=page, digest=path, load=partial(_load, media, archive, path))
            for page, chapter in enumerate(book.chapters, start=1)
            for path in _shown_in(archive, chapter)
        ]


def _shown_in(archive: zipfile.ZipFile, chapter: str) -> Iterator[str]:
    try:
        root = webpage.parse(archive.read(chapter), "utf-8")
    except _BROKEN:
        return  # told where its text is read
    folder, names = posixpath.dirname(chapter), set(archive.namelist())
    for element in root.iter("img", "image") if root is not None else ():
        href = next((element.get(name) for name in _HREFS if element.get(name)), "") or ""
        path = posixpath.normpath(posixpath.join(folder, unquote(href)))
        if path in names:
            yield path


def _load(media: MediaFile, archive: zipfile.ZipFile, path: str) -> "Image | None":
    try:
        data = archive.read(path)
    except _BROKEN as exc:
        raise UnreadableMedia(f"{path}: {exc}") from exc
    return load_picture(media, path, data)


@contextmanager
def find_in_page(media: MediaFile) -> Iterator[list[Candidate]]:
    """Pictures that an HTML file carries as `data:` addresses; nothing is fetched."""
    page = media.path.read_bytes()
    yield [
        Candidate(
            page=1,
            digest=hashlib.sha1(found[1], usedforsecurity=False).hexdigest(),
            load=partial(_decode, media, found[1]),
        )
        for found in _DATA_URI.finditer(page)
    ]


def _decode(media: MediaFile, encoded: bytes) -> "Image | None":
    try:
        data = base64.b64decode(unquote(encoded.decode("ascii")))
    except (binascii.Error, ValueError) as exc:
        raise UnreadableMedia(f"a picture of the page: {exc}") from exc
    return load_picture(media, "a picture of the page", data)
