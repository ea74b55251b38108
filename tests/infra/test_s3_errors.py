"""What refusals mean; `test_s3_store.py` runs them against answers of a server."""

import errno

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, NoCredentialsError

from infra.s3_errors import translated
from schemas.errors import (
    ConfigurationError,
    ObjectChanged,
    ObjectForbidden,
    ObjectNotFound,
    ObjectStoreUnavailable,
    StorageFull,
)


def refusal(status: int, code: str) -> ClientError:
    said = {"Error": {"Code": code, "Message": "m"}}
    return ClientError({**said, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal(503, "SlowDown"), ObjectStoreUnavailable),
        (refusal(404, "NoSuchKey"), ObjectNotFound),
        (refusal(412, "PreconditionFailed"), ObjectChanged),
        (refusal(416, "InvalidRange"), ObjectChanged),
        (refusal(403, "AccessDenied"), ObjectForbidden),
        (refusal(403, "RequestTimeTooSkewed"), ConfigurationError),
        (NoCredentialsError(), ConfigurationError),
        (ConnectionClosedError(endpoint_url="http://s3"), ObjectStoreUnavailable),
        (OSError(errno.ENOSPC, "No space left on device"), StorageFull),
    ],
)
def test_each_trouble_has_its_class(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="s3://b/k"), translated("s3://b/k"):
        raise error


@pytest.mark.parametrize("error", [refusal(400, "MalformedXML"), OSError(errno.EBADF, "bad")])
def test_defects_of_ours_fly_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)), translated("s3://b/k"):
        raise error


def test_what_is_absent_on_a_write_is_a_wrong_setting() -> None:
    with (
        pytest.raises(ConfigurationError),
        translated("s3://b/k", absent=ConfigurationError),
    ):
        raise refusal(404, "NoSuchBucket")
