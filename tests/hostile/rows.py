"""What a row of the hostile tests is."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.errors import EncryptedMedia, MediaTooLarge, UnreadableMedia, UnsupportedMedia

#: Words that lie outside of the child's reach; a text that holds them has leaked.
CANARY = "canary-outside-the-scratch"
#: Words of a harmless part of a hostile file, which may well be read.
HARMLESS = "harmless words"

REFUSED = (EncryptedMedia, MediaTooLarge, UnreadableMedia, UnsupportedMedia)


@dataclass(frozen=True)
class Lure:
    """What hostile files point at: a file, and a listener on this machine."""

    path: str
    port: int


@dataclass(frozen=True)
class Row:
    """One hostile file and what must come of it."""

    attack: str
    name: str
    make: Callable[[Lure], bytes]
    #: Errors that are right; none means that it must be read.
    refused_as: tuple[type[Exception], ...] = ()
    #: Whether reading it is as good: not every broken byte matters.
    or_read: bool = False
    #: Words that the message must hold, or the text that must be read.
    says: str = ""


def same(content: bytes) -> Callable[[Lure], bytes]:
    """A file that points at nothing."""
    return lambda _: content
