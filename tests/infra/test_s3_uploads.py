"""URLs fit one key and one size; tests/orchestrator/intake/test_upload.py uses them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from infra.s3_store import S3Store
from schemas.asset import ObjectRef
from schemas.errors import ConfigurationError

REF = ObjectRef(bucket="uploads", key="a b+c")


def test_the_size_is_signed(moto_store: S3Store) -> None:
    url = urlsplit(moto_store.uploads.presign(REF, 5))

    assert url.path == "/uploads/a%20b%2Bc"
    query = parse_qs(url.query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert query["X-Amz-Expires"] == ["3600"]


def test_a_bucket_that_is_not_there_is_a_wrong_setting(moto_store: S3Store) -> None:
    with pytest.raises(ConfigurationError):
        moto_store.uploads.begin(ObjectRef(bucket="no-such-bucket", key="a"))
