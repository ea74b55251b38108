"""What an S3 server's refusals and boto3's errors mean to us."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from schemas.errors import (
    ConfigurationError,
    ObjectChanged,
    ObjectForbidden,
    ObjectNotFound,
    ObjectStoreUnavailable,
    StorageFull,
)

#: The store knows us, or our clock or region, wrongly: no object is to blame.
_MISCONFIGURED_CODES = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
    | {"RequestTimeTooSkewed", "AuthorizationHeaderMalformed", "PermanentRedirect"}
    # HEAD has no body that would say more.
    | {"301", "400"}
)
_BUSY_CODES = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout"})
_HTTP_FORBIDDEN, _HTTP_BUSY, _HTTP_BROKEN = 403, 429, 500
#: Another etag, or fewer bytes than the range that was asked for.
_HTTP_CHANGED = (412, 416)
#: 405 is what HEAD says of a deleted version.
_HTTP_ABSENT = (404, 405)


@contextmanager
def translated(
    uri: str, absent: type[ObjectNotFound | ConfigurationError] = ObjectNotFound
) -> Iterator[None]:
    """Turn boto3's errors into ours; those that show a defect of ours fly."""
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import (  # type: ignore[import-untyped]
        RetriesExceededError,
        S3DownloadFailedError,
    )

    try:
        yield
    except ClientError as exc:
        ours = _answer_translation(exc.response, uri, absent)
        if ours is None:
            raise
        raise ours from exc
    except S3DownloadFailedError as exc:
        raise ObjectChanged(f"{uri}: {exc}") from exc
    except RetriesExceededError as exc:
        raise ObjectStoreUnavailable(f"{uri}: {exc.last_exception}") from exc
    except BotoCoreError as exc:
        raise _client_translation(exc, uri) from exc
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"{uri}: {exc.strerror}") from exc
        raise


def _answer_translation(
    response: dict[str, Any], uri: str, absent: type[ObjectNotFound | ConfigurationError]
) -> Exception | None:
    """Our error for an answer of the store; None for a request that we built wrong."""
    code = response["Error"].get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = f"{uri}: {code} {response['Error'].get('Message', '')}"
    if code in _MISCONFIGURED_CODES:
        return ConfigurationError(f"{message} (check the credentials and SLUICE_S3_*)")
    if code in _BUSY_CODES or status == _HTTP_BUSY or status >= _HTTP_BROKEN:
        return ObjectStoreUnavailable(message)
    if status in _HTTP_CHANGED:
        return ObjectChanged(message)
    if status in _HTTP_ABSENT:
        return absent(message)
    if status == _HTTP_FORBIDDEN:
        forbidden = ObjectForbidden if absent is ObjectNotFound else absent
        return forbidden(f"{message}: may not be read or written")
    return None


def _client_translation(exc: Exception, uri: str) -> Exception:
    """Our error for a request that got no answer, or that could not be sent."""
    from botocore import exceptions as boto

    transport = (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError)
    broken = (boto.FlexibleChecksumError, boto.CredentialRetrievalError)
    if isinstance(exc, transport + broken):
        return ObjectStoreUnavailable(f"{uri}: {exc}")
    if isinstance(exc, boto.ParamValidationError):
        return ObjectNotFound(f"{uri}: no such name can exist: {exc}")
    return ConfigurationError(f"{uri}: {exc}")
