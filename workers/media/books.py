"""EPUB: the chapters in the order of the spine; a chapter is a page."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from schemas.errors import EncryptedMedia, Failure, UnreadableMedia
from workers.media import webpage
from workers.media.blocks import Block
from workers.media.damage import broken_page
from workers.media.media_file import MediaFile

if TYPE_CHECKING:
    from lxml.etree import _Element

_RIGHTS = {"META-INF/rights.xml", "META-INF/sinf.xml"}
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


class Book:
    """An open EPUB.

    Raises:
        EncryptedMedia: it is protected by a vendor's rights management.
        UnreadableMedia: it has no readable list of chapters.
    """

    def __init__(self, media: MediaFile) -> None:
        from lxml.etree import XMLSyntaxError

        self.failures: list[Failure] = []
        try:
            self._archive = zipfile.ZipFile(media.path)
            if _RIGHTS.intersection(self._archive.namelist()):
                raise EncryptedMedia(f"{media.name}: the book is protected")
            container = self._xml("META-INF/container.xml")
            self._package_path = container.find(".//{*}rootfile").attrib["full-path"]
            self._package = self._xml(self._package_path)
        except (zipfile.BadZipFile, zlib.error, KeyError, AttributeError, XMLSyntaxError) as exc:
            raise UnreadableMedia(f"{media.name}: not a readable EPUB: {exc!r}") from exc
        self.chapters = list(self._spine())

    @property
    def facts(self) -> dict[str, str]:
        """Title, author, language and dates, where stated."""
        names = {"title": "title", "author": "creator", "language": "language", "created": "date"}
        found = {k: self._package.findtext(f".//{_DUBLIN_CORE}{v}") for k, v in names.items()}
        modified = self._package.find(".//{*}meta[@property='dcterms:modified']")
        found["modified"] = None if modified is None else modified.text
        return {name: text.strip() for name, text in found.items() if text and text.strip()}

    def blocks(self) -> Iterator[Block]:
        """What the chapters show; one that is missing or cut off becomes a failure."""
        for page, path in enumerate(self.chapters, start=1):
            try:
                data = self._archive.read(path)
            except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as exc:
                self.failures.append(broken_page(page, f"chapter {path}: {exc}"))
                continue
            root = webpage.parse(data, "utf-8")
            if root is not None:
                yield from webpage.blocks(root, page)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def _xml(self, path: str) -> "_Element":
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        return etree.fromstring(self._archive.read(path), parser)

    def _spine(self) -> Iterator[str]:
        folder = posixpath.dirname(self._package_path)
        hrefs = {i.get("id"): i.get("href", "") for i in self._package.iterfind(".//{*}item")}
        for item in self._package.iterfind(".//{*}itemref"):
            if href := hrefs.get(item.get("idref")):
                yield posixpath.normpath(posixpath.join(folder, unquote(href)))
