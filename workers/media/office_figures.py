"""Figures of office files: the pictures that their slides, sheets and texts show."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from schemas.errors import UnreadableMedia
from workers.media.figures import Candidate
from workers.media.media_file import MediaFile
from workers.media.parts import Parts, Relation, opened_parts, relation_id
from workers.media.pictures import load_picture

if TYPE_CHECKING:
    from lxml.etree import _Element
    from PIL.Image import Image

#: Elements that show a picture: of drawings, and of their forerunner, VML.
_SHOWN = ("{*}blip", "{*}imagedata")
_ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_SLIDE, _PICTURE = _ODF % "drawing" + "page", _ODF % "drawing" + "image"
_SHEET = _ODF % "table" + "table"
_HREF = "{http://www.w3.org/1999/xlink}href"


@contextmanager
def find_in_word(media: MediaFile) -> Iterator[list[Candidate]]:
    """Pictures of the text; those of headers and footers are on every page."""
    with opened_parts(media) as parts:
        yield list(_shown_in(media, parts, _main_part(parts), 1))


@contextmanager
def find_in_slides(media: MediaFile) -> Iterator[list[Candidate]]:
    """Pictures of slides; those of layouts are on every slide."""
    with opened_parts(media) as parts:
        slides = _listed(parts, "{*}sldId")
        yield [
            candidate
            for page, path in enumerate(slides, start=1)
            for candidate in _shown_in(media, parts, path, page)
        ]


@contextmanager
def find_in_sheets(media: MediaFile) -> Iterator[list[Candidate]]:
    """Pictures that are laid over sheets."""
    with opened_parts(media) as parts:
        yield [
            candidate
            for page, sheet in enumerate(_listed(parts, "{*}sheet"), start=1)
            for relation in _relations(parts, sheet).values()
            if relation.kind == "drawing"
            for candidate in _shown_in(media, parts, relation.path, page)
        ]


@contextmanager
def find_in_opendocument(media: MediaFile) -> Iterator[list[Candidate]]:
    """Pictures of the body, by slide or sheet where there are any."""
    with opened_parts(media) as parts:
        root, page, found = _root(parts, "content.xml"), 0, []
        is_paged = media.mime_type.endswith(("presentation", "spreadsheet"))
        borders = {_SLIDE} if media.mime_type.endswith("presentation") else {_SHEET}
        for element in root.iter(_SLIDE, _SHEET, _PICTURE) if root is not None else ():
            page += is_paged and element.tag in borders
            path = posixpath.normpath(element.get(_HREF) or "")
            if element.tag == _PICTURE and path in parts.names:
                found.append(_candidate(media, parts, path, max(page, 1)))
        yield found


def _listed(parts: Parts, tag: str) -> Iterable[str]:
    """Parts that the main part lists, in order."""
    main = _main_part(parts)
    root, relations = _root(parts, main), _relations(parts, main)
    ids = [relation_id(element) for element in root.iter(tag)] if root is not None else []
    return [relations[i].path if i in relations else "" for i in ids]


def _main_part(parts: Parts) -> str:
    main = (r.path for r in _relations(parts, "").values() if r.kind == "officeDocument")
    return next(main, "")


def _shown_in(media: MediaFile, parts: Parts, path: str, page: int) -> Iterator[Candidate]:
    root, relations = _root(parts, path), _relations(parts, path)
    for element in root.iter(*_SHOWN) if root is not None else ():
        relation = relations.get(relation_id(element, "embed") or relation_id(element))
        if relation is not None and relation.path in parts.names:
            yield _candidate(media, parts, relation.path, page)


def _candidate(media: MediaFile, parts: Parts, path: str, page: int) -> Candidate:
    return Candidate(page=page, digest=path, load=partial(_load, media, parts, path))


def _load(media: MediaFile, parts: Parts, path: str) -> "Image | None":
    try:
        with parts.opened(path) as file:
            data = file.read()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as exc:
        raise UnreadableMedia(f"{path}: {exc}") from exc
    return load_picture(media, path, data)


def _root(parts: Parts, path: str) -> "_Element | None":
    """A part; None if it is broken, which is told where its text is read."""
    from lxml.etree import XMLSyntaxError

    try:
        return parts.find(path)
    except (XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError):
        return None


def _relations(parts: Parts, path: str) -> dict[str, Relation]:
    from lxml.etree import XMLSyntaxError

    try:
        return parts.relations(path)
    except (XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError):
        return {}
