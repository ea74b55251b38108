"""Objects behind any S3 API: AWS, and servers that speak its protocol."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.object_store import ObjectStore, check_prefix, check_size
from infra.s3_client import connect, make_transfers
from infra.s3_errors import translated
from infra.s3_uploads import S3Uploads
from infra.settings import S3Settings, Settings
from schemas.asset import ObjectHead, ObjectRef
from schemas.errors import (
    ConfigurationError,
    ObjectChanged,
    ObjectNotFound,
    ObjectStoreUnavailable,
)

#: Objects as one answer of the store lists them.
_Page = Sequence[dict[str, Any]]

_DEFAULTS = S3Settings.model_construct()


def open_s3(settings: Settings) -> "S3Store":
    """The store that the settings name.

    Raises:
        ConfigurationError: the endpoint is no URL, or the file of certificates is missing.
    """
    return S3Store(endpoint=settings.s3_endpoint, region=settings.s3_region, options=settings.s3)


class S3Store(ObjectStore):
    """All buckets of one endpoint. Safe to use from many threads.

    A head read by version is downloaded by version. Any other head is downloaded only while its
    etag holds, so the bytes on disk are always those that were recorded.
    """

    def __init__(
        self,
        *,
        endpoint: str = "",
        region: str = "us-east-1",
        options: S3Settings = _DEFAULTS,
    ) -> None:
        """Connects with the first request; credentials come from boto3's own chain.

        Args:
            endpoint: URL of the service; empty means AWS.
            region: of the buckets.
            options: how to talk to it.
        """
        self._name = f"S3 at {endpoint or region}"
        self._client: Any = connect(endpoint, region, options)
        self._uploads: Any = make_transfers(
            self._client, options, threshold_bytes=options.part_bytes
        )
        # Only downloads by range are sent with If-Match, so even small objects are.
        self._downloads: Any = make_transfers(self._client, options, threshold_bytes=1)

    @property
    def uploads(self) -> S3Uploads:
        """Signs requests of clients that hold no key."""
        return S3Uploads(self._client)

    def head(self, ref: ObjectRef) -> ObjectHead:
        with translated(ref.uri):
            found = self._client.head_object(Bucket=ref.bucket, Key=ref.key, **_version(ref))
        return _head(ref, found["ContentLength"], found)

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectHead]:
        for page in self._pages(bucket, prefix, after):
            for found in page:
                ref = ObjectRef(bucket=bucket, key=found["Key"])
                yield _head(ref, found["Size"], found)

    def download(self, head: ObjectHead, path: Path, *, max_bytes: int) -> None:
        check_size(head, max_bytes)
        ref = head.ref
        expected = [_Expected(head)]
        with translated(ref.uri):
            self._downloads.download(
                ref.bucket, ref.key, str(path), _version(ref), expected
            ).result()
        n_bytes = path.stat().st_size
        if n_bytes != head.size_bytes:
            path.unlink()
            raise ObjectChanged(f"{ref.uri}: found {n_bytes} bytes, expected {head.size_bytes}")

    def upload(self, path: Path, ref: ObjectRef) -> None:
        with translated(ref.uri, absent=ConfigurationError):
            self._uploads.upload(str(path), ref.bucket, ref.key).result()

    def delete(self, ref: ObjectRef) -> None:
        with translated(ref.uri, absent=ConfigurationError):
            self._client.delete_object(Bucket=ref.bucket, Key=ref.key, **_version(ref))

    def delete_prefix(self, bucket: str, prefix: str) -> None:
        check_prefix(prefix)
        for page in self._pages(bucket, prefix):
            doomed = {"Objects": [{"Key": found["Key"]} for found in page], "Quiet": True}
            with translated(f"s3://{bucket}/{prefix}", absent=ConfigurationError):
                answer = self._client.delete_objects(Bucket=bucket, Delete=doomed)
            for error in answer.get("Errors", []):
                raise ObjectStoreUnavailable(
                    f"s3://{bucket}/{error['Key']} was not deleted: {error['Code']}"
                )

    def ping(self) -> str:
        # Being forbidden to list buckets is an answer, too.
        with suppress(ObjectNotFound), translated(self._name):
            self._client.list_buckets()
        return self._name

    def _pages(self, bucket: str, prefix: str, after: str = "") -> Iterator[_Page]:
        """The objects of a prefix as the store lists them, 1000 at a time."""
        uri = f"s3://{bucket}/{prefix}"
        where = {"Bucket": bucket, "Prefix": prefix, **({"StartAfter": after} if after else {})}
        with translated(uri):
            pages = iter(self._client.get_paginator("list_objects_v2").paginate(**where))
        while True:
            with translated(uri):
                page = next(pages, None)
            if page is None:
                return
            if found := page.get("Contents"):
                yield found


class _Expected:
    """Tells a transfer what it should find, which saves it a HEAD of its own."""

    def __init__(self, head: ObjectHead) -> None:
        self._head = head
        self._n_bytes = 0

    def on_queued(self, future: Any, **_: Any) -> None:
        future.meta.provide_transfer_size(self._head.size_bytes)
        future.meta.provide_object_etag(f'"{self._head.etag}"')

    def on_progress(self, bytes_transferred: int, **_: Any) -> None:
        self._n_bytes += bytes_transferred
        if self._n_bytes > self._head.size_bytes:
            raise ObjectChanged(
                f"{self._head.ref.uri}: more than the expected {self._head.size_bytes} bytes"
            )


def _version(ref: ObjectRef) -> dict[str, str]:
    return {"VersionId": ref.version_id} if ref.version_id else {}


def _head(ref: ObjectRef, size_bytes: int, found: dict[str, Any]) -> ObjectHead:
    return ObjectHead(
        ref=ref,
        size_bytes=size_bytes,
        etag=found["ETag"].strip('"'),
        # HEAD says whole seconds, lists of some stores say more; the two must agree.
        last_modified=found["LastModified"].replace(microsecond=0),
    )
