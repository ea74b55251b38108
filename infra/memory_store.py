"""Objects in a dict: forgotten with the process, for tests of other modules."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra.object_store import ObjectStore, check_prefix, check_size
from schemas.asset import ObjectHead, ObjectRef
from schemas.errors import ObjectChanged, ObjectNotFound


@dataclass(frozen=True)
class _Stored:
    content: bytes
    etag: str
    last_modified: datetime


class InMemoryObjectStore(ObjectStore):
    """Behaves like a bucket store without versions."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], _Stored] = {}

    def put(self, ref: ObjectRef, content: bytes) -> ObjectHead:
        """Store bytes without a file; what tests arrange objects with."""
        etag = hashlib.sha256(content).hexdigest()
        self._objects[ref.bucket, ref.key] = _Stored(content, etag, datetime.now(UTC))
        return self.head(ref)

    def head(self, ref: ObjectRef) -> ObjectHead:
        stored = self._get(ref)
        return ObjectHead(
            ref=ref,
            size_bytes=len(stored.content),
            etag=stored.etag,
            last_modified=stored.last_modified,
        )

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectHead]:
        for key in self._keys(bucket, prefix):
            if key <= after:
                continue
            yield self.head(ObjectRef(bucket=bucket, key=key))

    def download(self, head: ObjectHead, path: Path, *, max_bytes: int) -> None:
        check_size(head, max_bytes)
        stored = self._get(head.ref)
        if stored.etag != head.etag:
            raise ObjectChanged(f"{head.ref.uri}: found etag {stored.etag}, expected {head.etag}")
        path.write_bytes(stored.content)

    def upload(self, path: Path, ref: ObjectRef) -> None:
        self.put(ref, path.read_bytes())

    def delete(self, ref: ObjectRef) -> None:
        self._objects.pop((ref.bucket, ref.key), None)

    def delete_prefix(self, bucket: str, prefix: str) -> None:
        check_prefix(prefix)
        for key in self._keys(bucket, prefix):
            self._objects.pop((bucket, key), None)

    def ping(self) -> str:
        return "in memory"

    def _get(self, ref: ObjectRef) -> _Stored:
        try:
            return self._objects[ref.bucket, ref.key]
        except KeyError:
            raise ObjectNotFound(f"{ref.uri}: no such object") from None

    def _keys(self, bucket: str, prefix: str) -> tuple[str, ...]:
        keys = (key for held_in, key in tuple(self._objects) if held_in == bucket)
        return tuple(sorted((key for key in keys if key.startswith(prefix)), key=str.encode))
