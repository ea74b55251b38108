"""Leave for others to put one object into a bucket: presigned URLs, in one piece or in parts."""

from collections.abc import Sequence
from typing import Any

from infra.s3_errors import translated
from schemas.asset import ObjectRef
from schemas.errors import ConfigurationError

#: How long a URL may be used.
EXPIRES_S = 3600


class S3Uploads:
    """Signs requests of clients that hold no key. Each URL fits one key and one size only."""

    def __init__(self, client: Any) -> None:
        """Sign with the credentials of a client from `s3_client.connect`."""
        self._client = client

    def presign(self, ref: ObjectRef, size_bytes: int) -> str:
        """A URL for one PUT of exactly so many bytes."""
        return self._sign("put_object", ref, ContentLength=size_bytes)

    def begin(self, ref: ObjectRef) -> str:
        """Begin an upload in parts; returns its id.

        Raises:
            ConfigurationError: no such bucket, or it may not be written.
        """
        with translated(ref.uri, absent=ConfigurationError):
            answer = self._client.create_multipart_upload(Bucket=ref.bucket, Key=ref.key)
        upload_id: str = answer["UploadId"]
        return upload_id

    def presign_part(self, ref: ObjectRef, upload_id: str, number: int, size_bytes: int) -> str:
        """A URL for the PUT of one part; numbers begin with 1."""
        part = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size_bytes}
        return self._sign("upload_part", ref, **part)

    def complete(self, ref: ObjectRef, upload_id: str, etags: Sequence[str]) -> None:
        """Put the parts together, in the order of their numbers.

        Raises:
            ObjectNotFound: no such upload: ended already, or never begun.
        """
        parts = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]
        with translated(ref.uri):
            self._client.complete_multipart_upload(
                Bucket=ref.bucket,
                Key=ref.key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )

    def _sign(self, operation: str, ref: ObjectRef, **more: Any) -> str:
        """Signing asks nobody: it says nothing of whether the bucket exists."""
        with translated(ref.uri, absent=ConfigurationError):
            url: str = self._client.generate_presigned_url(
                operation, {"Bucket": ref.bucket, "Key": ref.key, **more}, ExpiresIn=EXPIRES_S
            )
        return url
