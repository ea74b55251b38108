"""XML parts of zipped documents (Office Open XML, OpenDocument): opening, relations, properties."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from schemas.errors import Failure, UnreadableMedia
from workers.media.damage import unread
from workers.media.media_file import MediaFile

if TYPE_CHECKING:
    from lxml.etree import _Element

#: Namespaces of attributes that name a relation, by edition of the standard.
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_FACTS = {
    "title": "title",
    "author": "creator",
    "subject": "subject",
    "keywords": "keywords",
    "language": "language",
    "created": "created",
    "modified": "modified",
}


class Relation(NamedTuple):
    """What a part refers to."""

    #: Last word of the relation's type: `chart`, `comments`, `footer`.
    kind: str
    path: str


class Parts:
    """The parts of an open package, parsed when they are asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = frozenset(archive.namelist())
        #: Parts that could not be read while the rest was.
        self.failures: list[Failure] = []

    def find(self, path: str | None) -> "_Element | None":
        """The root of a part; None if there is no such part.

        Raises:
            lxml.etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError: it is broken.
        """
        from lxml import etree

        if path not in self.names or path is None:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
        return etree.fromstring(self._archive.read(path), parser)

    def find_beside(self, path: str | None) -> "_Element | None":
        """The root of a part that the rest can do without; a broken one becomes a failure."""
        from lxml.etree import XMLSyntaxError

        try:
            return self.find(path)
        except (XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError) as exc:
            self.failures.append(unread(f"part {path}: {exc}"))
            return None

    def opened(self, path: str) -> IO[bytes]:
        """A part as a stream of its bytes; the caller closes it."""
        return self._archive.open(path)

    def relations(self, path: str) -> dict[str, Relation]:
        """What an Office Open XML part refers to inside the package, by id."""
        folder, name = posixpath.split(path)
        root = self.find_beside(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for relation in root.iterfind("{*}Relationship") if root is not None else ():
            if relation.get("TargetMode") != "External":
                target = posixpath.join("/", folder, relation.get("Target", ""))
                kind = relation.get("Type", "").rpartition("/")[2]
                found[relation.get("Id", "")] = Relation(kind, posixpath.normpath(target)[1:])
        return found


def relation_id(element: "_Element", name: str = "id") -> str:
    """The relation that an attribute names (`r:id`, `r:dm`); empty without one."""
    for namespace in (_RELATIONS, _STRICT_RELATIONS):
        if found := element.get(f"{{{namespace}}}{name}"):
            return str(found)
    return ""


@contextmanager
def opened_parts(media: MediaFile) -> Iterator[Parts]:
    """Open a package; what is broken in it while it is read makes it unreadable.

    Raises:
        UnreadableMedia: it is no zip, or a part that is needed is broken.
    """
    from lxml.etree import XMLSyntaxError

    try:
        with zipfile.ZipFile(media.path) as archive:
            yield Parts(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, XMLSyntaxError) as exc:
        raise UnreadableMedia(f"{media.name}: not a readable document: {exc}") from exc


def core_facts(parts: Parts) -> dict[str, Any]:
    """Title, author, dates and the rest of what an Office Open XML file says of itself."""
    path = next((r.path for r in parts.relations("").values() if r.kind == "core-properties"), "")
    return _facts(parts.find_beside(path), _FACTS)


def opendocument_facts(parts: Parts) -> dict[str, Any]:
    """The same of an OpenDocument file."""
    names = {
        "title": "title",
        "author": "initial-creator",
        "subject": "subject",
        "keywords": "keyword",
        "language": "language",
        "created": "creation-date",
        "modified": "date",
        "editor": "creator",
    }
    facts = _facts(parts.find_beside("meta.xml"), names)
    # Some programs name only who saved it last.
    editor = facts.pop("editor", "")
    return ({"author": editor} if editor else {}) | facts


def _facts(root: "_Element | None", names: dict[str, str]) -> dict[str, str]:
    if root is None:
        return {}
    found = {name: root.findtext(f".//{{*}}{tag}") for name, tag in names.items()}
    return {name: " ".join(text.split()) for name, text in found.items() if text and text.strip()}
