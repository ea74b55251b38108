"""Where the slides of a PPT are, and their notes: [MS-PPT] 2.1.2, reading a file."""

import struct
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from schemas.errors import EncryptedMedia, UnreadableMedia
from workers.media.compound import Compound
from workers.media.ppt_records import Kind, Record, record_at

#: `CurrentUserAtom`: header, size, token, offset of the newest edit.
_CURRENT_USER = struct.Struct("<8xIII")
_ENCRYPTED = 0xF3D1C4DF
#: `UserEditAtom`: offsets of the edit before and of the directory, number of the document.
_EDIT = struct.Struct("<8xIII")
_WORD = struct.Struct("<I")
#: `SlidePersistAtom`: number of its object, and the identifier that others know it by.
_SLIDE = struct.Struct("<I8xI")
#: `SlideAtom`: identifiers of the master and the notes.
_SLIDE_ATOM = struct.Struct("<12xII")
#: `OfficeArtFBSE`: offset of the picture.
_PICTURE = struct.Struct("<28xI")
#: `SlideShowSlideInfoAtom`: its flags.
_SHOW_INFO = struct.Struct("<10xH")
_IS_HIDDEN = 4
#: Instances of `SlideListWithTextContainer`.
_SLIDES, _NOTES = 0, 2


def open_ppt(compound: Compound) -> "PptDocument":
    """The presentation in a compound file.

    Raises:
        EncryptedMedia: it needs a password.
        UnreadableMedia: it is broken, or older than PowerPoint 97.
    """
    stream, user = compound.read("PowerPoint Document"), compound.read("Current User")
    try:
        _, token, offset = _CURRENT_USER.unpack_from(user)
        if token == _ENCRYPTED:
            raise EncryptedMedia(f"{compound.name}: the presentation needs a password")
        return PptDocument(stream, offset)
    except (UnreadableMedia, struct.error) as exc:
        raise UnreadableMedia(f"{compound.name}: a broken presentation: {exc}") from exc


class Slide(NamedTuple):
    """One slide, its speaker's notes, and texts that are kept apart from it."""

    record: Record
    notes: Record | None
    #: Text headers, texts and styles of an outline, in order.
    outline: Sequence[Record]

    @property
    def is_hidden(self) -> bool:
        """Whether it is left out of a show."""
        info = self.record.child(Kind.SLIDE_SHOW_INFO)
        return info is not None and bool(_SHOW_INFO.unpack_from(info.body)[0] & _IS_HIDDEN)


class _Listed(NamedTuple):
    number: int
    identifier: int
    outline: list[Record]


class PptDocument:
    """The newest state of a presentation: edits are appended to the file, older ones stay in it."""

    def __init__(self, stream: bytes, offset: int) -> None:
        """Find the slides.

        Args:
            stream: `PowerPoint Document`.
            offset: of the newest edit.

        Raises:
            UnreadableMedia: something is not where it should be.
            struct.error: a record is too short.
        """
        self._data = memoryview(stream)
        self._offsets, number = self._directory(offset)
        document = self._object(number, Kind.DOCUMENT)
        lists = {
            one.instance: list(_listed(one))
            for one in document.children()
            if one.kind == Kind.SLIDE_LIST
        }
        self._document = document
        self._slides = lists.get(_SLIDES, [])
        self._notes = {one.identifier: one.number for one in lists.get(_NOTES, [])}

    def __len__(self) -> int:
        return len(self._slides)

    def slide(self, index: int) -> Slide:
        """One slide, 0-based.

        Raises:
            UnreadableMedia: it is not where the directory says.
            struct.error: a record is too short.
        """
        listed = self._slides[index]
        record = self._object(listed.number, Kind.SLIDE)
        atom = record.child(Kind.SLIDE_ATOM)
        _, notes = _SLIDE_ATOM.unpack_from(atom.body) if atom else (0, 0)
        number = self._notes.get(notes)
        found = None if number is None else self._object(number, Kind.NOTES)
        return Slide(record, found, listed.outline)

    def picture_offsets(self) -> list[int]:
        """Where the pictures are in the stream `Pictures`; shapes know them by their number."""
        store = self._document.child(Kind.DRAWINGS, Kind.DRAWINGS_CONTAINER, Kind.PICTURES)
        entries = (
            [one.body for one in store.children() if one.kind == Kind.PICTURE] if store else []
        )
        whole = takewhile(lambda body: len(body) >= _PICTURE.size, entries)
        return [_PICTURE.unpack_from(body)[0] for body in whole]

    def _directory(self, offset: int) -> tuple[dict[int, int], int]:
        """Offsets of objects by number, newer ones first; and the document's number."""
        offsets: dict[int, int] = {}
        document: int | None = None
        seen: set[int] = set()
        while offset and offset not in seen:
            seen.add(offset)
            edit = record_at(self._data, offset, Kind.USER_EDIT)
            offset, directory, newest = _EDIT.unpack_from(edit.body)
            document = newest if document is None else document
            entries = record_at(self._data, directory, Kind.PERSIST_DIRECTORY)
            for number, place in _entries(entries):
                offsets.setdefault(number, place)
        if document is None:
            raise UnreadableMedia("the presentation names no edit")
        return offsets, document

    def _object(self, number: int, kind: Kind) -> Record:
        if number not in self._offsets:
            raise UnreadableMedia(f"object {number} of the presentation is nowhere")
        return record_at(self._data, self._offsets[number], kind)


def _entries(directory: Record) -> Iterator[tuple[int, int]]:
    """Runs of objects: the number of the first and how many there are, then their offsets."""
    words = iter([word for (word,) in _WORD.iter_unpack(_whole_words(directory.body))])
    for word in words:
        first, n_objects = word & 0xFFFFF, word >> 20
        yield from zip(range(first, first + n_objects), words, strict=False)


def _whole_words(body: memoryview) -> memoryview:
    return body[: len(body) // _WORD.size * _WORD.size]


def _listed(slides: Record) -> Iterator[_Listed]:
    listed: _Listed | None = None
    for record in slides.children():
        if record.kind == Kind.SLIDE_PERSIST:
            if listed:
                yield listed
            number, identifier = _SLIDE.unpack_from(record.body)
            listed = _Listed(number, identifier, [])
        elif listed:
            listed.outline.append(record)
    if listed:
        yield listed
