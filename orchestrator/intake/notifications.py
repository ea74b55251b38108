"""What bucket notifications say, whoever sends them: "look at (bucket, key)". Pure.

An event's name, sequencer, size, etag and version are not believed: they come late, twice and out
of order, and HEAD knows better. The key is decoded where its sender encodes it, exactly once:

- S3, MinIO, RustFS: `Records`, keys form-encoded (`unquote_plus`); directly, or wrapped by SNS.
- Ceph RGW: `Records` with `eventSource` `ceph:s3`, keys as they are (`rgw_pubsub.cc`).
- EventBridge: one event with `detail-type`, key as it is.
- SeaweedFS's filer: `key` is a path below `/buckets`, as it is.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from schemas.asset import FILE_BUCKET, ObjectRef
from schemas.errors import PermanentError

#: Events after which a key may hold something else, or may be readable when it was not before.
#: Reads (`ObjectAccessed`) must not be among them: our own HEAD would cause the next one.
_CHANGES = (
    "ObjectCreated",
    "ObjectRemoved",
    "ObjectRestore:Completed",
    "LifecycleExpiration",
    "ObjectLifecycle:Expiration",  # Ceph's name for it
    "ObjectSynced",  # Ceph, written by another zone
)
_EVENTBRIDGE_CHANGES = ("Object Created", "Object Deleted", "Object Restore Completed")
_SEAWEED_BUCKETS = "/buckets/"
#: Parts of unfinished uploads; the filer announces them like files.
_SEAWEED_UPLOADS = ".uploads/"
_SNS_SETUP = ("SubscriptionConfirmation", "UnsubscribeConfirmation")

#: SNS in SNS in a queue; nothing real is deeper.
_MAX_ENVELOPES = 3
_MAX_KEY_BYTES = 1024
#: Old buckets may have capitals and underscores. No colon and no slash: an ARN would make the
#: client ask another account.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


class MalformedNotice(PermanentError):
    """A message that no sender of bucket notifications would write."""


class Notices(NamedTuple):
    """What one message says."""

    #: Each key once, in the order of the message.
    refs: tuple[ObjectRef, ...]
    #: Why the other records say nothing: test events, reads, records without a key.
    ignored: tuple[str, ...]


def parse(body: str | bytes) -> Notices:
    """Read one message of any known shape.

    A record that cannot be read is among the ignored, so that it does not hold up its
    neighbours.

    Raises:
        MalformedNotice: the message is not JSON, or of no known shape.
    """
    refs: dict[ObjectRef, None] = {}
    ignored: list[str] = []
    for found in _read(_json(body), _MAX_ENVELOPES):
        if isinstance(found, ObjectRef):
            refs[found] = None
        else:
            ignored.append(found)
    return Notices(tuple(refs), tuple(ignored))


def _json(body: str | bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise MalformedNotice(f"found {_start(body)}, expected JSON: {exc}") from exc


def _read(document: Any, n_envelopes: int) -> Iterator[ObjectRef | str]:
    """References, and reasons for those that are not there."""
    if isinstance(document, list) and n_envelopes:  # MinIO's Redis target writes lists of events
        for each in document:
            yield from _read(each, n_envelopes - 1)
    elif isinstance(document, dict):
        yield from _event(document, n_envelopes)
    else:
        raise MalformedNotice(f"found {_start(document)}, expected an object")


def _event(document: dict[str, Any], n_envelopes: int) -> Iterator[ObjectRef | str]:
    records = document.get("Records", document.get("Event"))
    if isinstance(records, list):
        for record in records:
            yield from _record(record)
    elif records == "s3:TestEvent":
        yield records
    elif "detail-type" in document:
        yield _eventbridge(document)
    elif "event_type" in document:
        yield from _seaweedfs(document)
    else:
        yield from _sns(document, n_envelopes)


def _sns(document: dict[str, Any], n_envelopes: int) -> Iterator[ObjectRef | str]:
    kind, message = document.get("Type"), document.get("Message")
    if kind in _SNS_SETUP:
        # Its URL is not fetched: whoever can write to us would choose where we connect.
        yield f"{kind}: confirm the subscription in SNS"
    elif isinstance(message, str) and n_envelopes:
        yield from _read(_json(message), n_envelopes - 1)
    else:
        raise MalformedNotice(f"found keys {sorted(document)[:8]}, expected a bucket notification")


def _record(record: Any) -> Iterator[ObjectRef | str]:
    """One of `Records`."""
    event = _at(record, "eventName")
    name = event.removeprefix("s3:") if isinstance(event, str) else ""
    if not name.startswith(_CHANGES):
        yield f"event {event!r}"
        return
    key = _at(record, "s3", "object", "key")
    is_encoded = _at(record, "eventSource") != "ceph:s3"
    yield _ref(_at(record, "s3", "bucket", "name"), key, is_encoded=is_encoded)


def _eventbridge(document: dict[str, Any]) -> ObjectRef | str:
    kind = document["detail-type"]
    if document.get("source") != "aws.s3" or kind not in _EVENTBRIDGE_CHANGES:
        return f"event {kind!r} of {document.get('source')!r}"
    detail = document.get("detail")
    return _ref(_at(detail, "bucket", "name"), _at(detail, "object", "key"))


def _seaweedfs(document: dict[str, Any]) -> Iterator[ObjectRef | str]:
    """A change of the filer; a rename is told once and concerns two keys."""
    message = document.get("message")
    entries = [_at(message, "old_entry"), _at(message, "new_entry")]
    if any(_at(entry, "is_directory") for entry in entries):
        yield "a directory"
        return
    paths = [document.get("key")]
    parent, name = _at(message, "new_parent_path"), _at(message, "new_entry", "name")
    if isinstance(parent, str) and isinstance(name, str) and parent:
        paths.append(f"{parent.rstrip('/')}/{name}")
    for path in paths:
        yield _seaweedfs_ref(path)


def _seaweedfs_ref(path: Any) -> ObjectRef | str:
    if not isinstance(path, str) or not path.startswith(_SEAWEED_BUCKETS):
        return f"path {_start(path)} outside {_SEAWEED_BUCKETS}"
    bucket, _, key = path.removeprefix(_SEAWEED_BUCKETS).partition("/")
    if key.startswith(_SEAWEED_UPLOADS):
        return "a part of an upload"
    return _ref(bucket, key)


def _ref(bucket: Any, key: Any, *, is_encoded: bool = False) -> ObjectRef | str:
    """The object to look at, or why there can be none of that name."""
    # `file` is a legal bucket name, but here it stands for this machine's own files.
    if not isinstance(bucket, str) or not _BUCKET.fullmatch(bucket) or bucket == FILE_BUCKET:
        return f"bucket {_start(bucket)}, expected a bucket's name"
    if not isinstance(key, str):
        return f"key {_start(key)}, expected text"
    try:
        if is_encoded:
            key = unquote_plus(key, errors="strict")
        n_bytes = len(key.encode())
    except UnicodeError:
        return f"key {_start(key)}, expected UTF-8"
    # No row can hold a NUL.
    if not 0 < n_bytes <= _MAX_KEY_BYTES or "\0" in key:
        return f"key {_start(key)} of {n_bytes} bytes, expected 1 to {_MAX_KEY_BYTES} without NUL"
    return ObjectRef(bucket=bucket, key=key)


def _at(value: Any, *path: str) -> Any:
    """What lies at the end of a path of names; None where it breaks off."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _start(value: Any) -> str:
    """The first characters of something untrusted, for a message."""
    return ascii(value[:80]) if isinstance(value, (str, bytes)) else f"a {type(value).__name__}"
