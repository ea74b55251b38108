"""Object storage: the port. Behind it: `folder_store`, `s3_store`, and `memory_store` for tests."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from schemas.asset import ObjectHead, ObjectRef
from schemas.errors import MediaTooLarge


class ObjectStore(ABC):
    """Port to a store of objects. Keys are opaque: never normalised, never used as file names.

    All methods raise `ObjectStoreUnavailable` when the store does not answer.
    """

    @abstractmethod
    def head(self, ref: ObjectRef) -> ObjectHead:
        """What the store holds under (bucket, key) now.

        Raises:
            ObjectNotFound: nothing is there.
            ObjectForbidden: it may not be read.
        """

    @abstractmethod
    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectHead]:
        """Every object whose key starts with the prefix, in key order, read in pages.

        Key order is that of the keys' UTF-8 bytes; a listing may begin after any key.
        """

    @abstractmethod
    def download(self, head: ObjectHead, path: Path, *, max_bytes: int) -> None:
        """Stream the recorded bytes to a file.

        Raises:
            ObjectChanged: the bytes are no longer those of `head`.
            MediaTooLarge: more than `max_bytes`.
            StorageFull: no space for the file.
        """

    @abstractmethod
    def upload(self, path: Path, ref: ObjectRef) -> None:
        """Store a file; readers see all of it or nothing. Safe to repeat."""

    @abstractmethod
    def delete(self, ref: ObjectRef) -> None:
        """Delete an object; absent is fine."""

    @abstractmethod
    def delete_prefix(self, bucket: str, prefix: str) -> None:
        """Delete every object whose key starts with the prefix; none is fine.

        Raises:
            ValueError: the prefix is empty, which would delete everything.
        """

    @abstractmethod
    def ping(self) -> str:
        """What answers, for `sluice doctor`."""


def check_size(head: ObjectHead, max_bytes: int) -> None:
    """Refuse to download more than a limit.

    Raises:
        MediaTooLarge: the object is larger.
    """
    if head.size_bytes > max_bytes:
        raise MediaTooLarge(
            f"{head.ref.uri}: {head.size_bytes} bytes, at most {max_bytes} expected"
        )


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that every key starts with.

    Raises:
        ValueError: it is empty.
    """
    if not prefix:
        raise ValueError("an empty prefix would delete the whole bucket")
