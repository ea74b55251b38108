"""Objects wherever they are: files of this machine in place, every other bucket on S3."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from infra.object_store import ObjectStore
from schemas.asset import FILE_BUCKET, ObjectHead, ObjectRef


class RoutedStore(ObjectStore):
    """Sends each call to the store that holds the bucket; S3 is connected when first needed."""

    def __init__(self, files: ObjectStore, connect_s3: Callable[[], ObjectStore]) -> None:
        self._files = files
        self._connect_s3 = connect_s3

    @cached_property
    def _s3(self) -> ObjectStore:
        return self._connect_s3()

    def _store(self, bucket: str) -> ObjectStore:
        return self._files if bucket == FILE_BUCKET else self._s3

    def head(self, ref: ObjectRef) -> ObjectHead:
        """See the port."""
        return self._store(ref.bucket).head(ref)

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectHead]:
        """See the port."""
        return self._store(bucket).list(bucket, prefix, after)

    def download(self, head: ObjectHead, path: Path, *, max_bytes: int) -> None:
        """See the port."""
        self._store(head.ref.bucket).download(head, path, max_bytes=max_bytes)

    def upload(self, path: Path, ref: ObjectRef) -> None:
        """See the port."""
        self._store(ref.bucket).upload(path, ref)

    def delete(self, ref: ObjectRef) -> None:
        """See the port."""
        self._store(ref.bucket).delete(ref)

    def delete_prefix(self, bucket: str, prefix: str) -> None:
        """See the port."""
        self._store(bucket).delete_prefix(bucket, prefix)

    def ping(self) -> str:
        """See the port."""
        return self._files.ping()
