"""What is particular to S3: versions, refusals, trouble on the wire."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from infra.s3_store import S3Store
from infra.settings import S3Settings
from schemas.asset import ObjectHead, ObjectRef
from schemas.errors import (
    ConfigurationError,
    ObjectChanged,
    ObjectNotFound,
    ObjectStoreUnavailable,
)
from tests.infra.test_object_store import BUCKET
from tests.object_stores import empty_bucket, open_store, run_nanio, use_credentials

#: Asks once only, so that a test of an answer does not wait.
ONCE = S3Settings.model_construct(max_attempts=1)

REF = ObjectRef(bucket="b", key="k")


@pytest.fixture
def store(moto_store: S3Store) -> S3Store:
    empty_bucket(moto_store, BUCKET)
    return moto_store


class Answer(BaseHTTPRequestHandler):
    """Answers every request as a test says."""

    status: ClassVar[int] = 200
    code: ClassVar[str] = ""
    body: ClassVar[bytes] = b""

    def answer(self) -> None:
        body = self.body or f"<Error><Code>{self.code}</Code><Message>m</Message></Error>".encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT")
        self.send_header("ETag", '"e"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815  http.server's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """A store whose every answer is what `Answer` holds, and which is asked once only."""
    use_credentials(monkeypatch)
    with serving(Answer) as url:
        store = S3Store(endpoint=url, options=ONCE)
        yield store
        store._client.close()


@contextmanager
def serving(answers: type[Answer]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def say(monkeypatch: pytest.MonkeyPatch, status: int, code: str, body: bytes = b"") -> None:
    monkeypatch.setattr(Answer, "status", status)
    monkeypatch.setattr(Answer, "code", code)
    monkeypatch.setattr(Answer, "body", body)


def a_head(size_bytes: int) -> ObjectHead:
    when = "2026-11-21T00:00:00Z"
    fields = {"ref": REF, "size_bytes": size_bytes, "etag": "e", "last_modified": when}
    return ObjectHead.model_validate(fields)


def test_a_recorded_version_outlives_the_next_one(store: S3Store, tmp_path: Path) -> None:
    store._client.create_bucket(Bucket="versioned")
    store._client.put_bucket_versioning(
        Bucket="versioned", VersioningConfiguration={"Status": "Enabled"}
    )
    first = store._client.put_object(Bucket="versioned", Key="a", Body=b"old")["VersionId"]
    store._client.put_object(Bucket="versioned", Key="a", Body=b"newer")

    head = store.head(ObjectRef(bucket="versioned", key="a", version_id=first))
    store.download(head, tmp_path / "copy", max_bytes=10)

    assert (tmp_path / "copy").read_bytes() == b"old"
    assert head.generation == first
    assert store.head(ObjectRef(bucket="versioned", key="a")).size_bytes == 5


def test_list_and_delete_read_all_pages(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for i in range(8):
        store._client.put_object(Bucket=BUCKET, Key=f"many/{i}", Body=b"")

    assert len(list(store.list(BUCKET, "many/"))) == 8

    store.delete_prefix(BUCKET, "many/")
    assert list(store.list(BUCKET, "many/")) == []


def test_an_upload_to_no_bucket_is_a_wrong_setting(store: S3Store, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")

    with pytest.raises(ConfigurationError, match="NoSuchBucket"):
        store.upload(tmp_path / "a", ObjectRef(bucket="no-such-bucket", key="a"))


def test_an_upload_of_nothing_is_our_defect(store: S3Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.upload(tmp_path / "absent", ObjectRef(bucket=BUCKET, key="a"))


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "AccessDenied", ObjectNotFound),
        (403, "InvalidObjectState", ObjectNotFound),
        (404, "NoSuchKey", ObjectNotFound),
        (404, "NoSuchBucket", ObjectNotFound),
        (403, "InvalidAccessKeyId", ConfigurationError),
        (403, "SignatureDoesNotMatch", ConfigurationError),
        (400, "ExpiredToken", ConfigurationError),
        (503, "SlowDown", ObjectStoreUnavailable),
        (500, "InternalError", ObjectStoreUnavailable),
        (429, "TooManyRequests", ObjectStoreUnavailable),
        (412, "PreconditionFailed", ObjectChanged),
    ],
)
def test_refusals_become_our_errors(
    broken: S3Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    expected: type[Exception],
) -> None:
    say(monkeypatch, status, code)

    with pytest.raises(expected, match="s3://b/k"):
        broken.download(a_head(3), tmp_path / "copy", max_bytes=10)
    if status != 412:
        with pytest.raises(expected, match="s3://b/"):
            list(broken.list("b", ""))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (403, ObjectNotFound),
        (404, ObjectNotFound),
        (405, ObjectNotFound),
        (400, ConfigurationError),
        (503, ObjectStoreUnavailable),
    ],
)
def test_refusals_without_a_body_become_our_errors(
    broken: S3Store, monkeypatch: pytest.MonkeyPatch, status: int, expected: type[Exception]
) -> None:
    say(monkeypatch, status, "unseen")

    with pytest.raises(expected, match="s3://b/k"):
        broken.head(REF)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_answer_longer_than_recorded_is_not_believed(
    broken: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, 200, "", body=b"x" * 1_000_000)

    with pytest.raises(ObjectChanged, match="more than the expected 0 bytes"):
        broken.download(a_head(0), tmp_path / "copy", max_bytes=10)

    assert list(tmp_path.iterdir()) == []
    gc.collect()  # the library leaves the socket of a broken-off transfer to the collector


def test_a_refused_deletion_is_reported(broken: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = b"<Contents><Key>p/a</Key></Contents>"
    refused = b"<Error><Key>p/a</Key><Code>AccessDenied</Code></Error>"
    # One body serves as the answer to both requests.
    say(monkeypatch, 200, "", body=b"<Result>" + listed + refused + b"</Result>")

    with pytest.raises(ObjectStoreUnavailable, match="p/a was not deleted: AccessDenied"):
        broken.delete_prefix("b", "p/")


def test_nobody_listening_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_credentials(monkeypatch)
    store = S3Store(endpoint="http://127.0.0.1:1", options=ONCE)

    with pytest.raises(ObjectStoreUnavailable, match=r"127\.0\.0\.1:1"):
        store.head(REF)
    with pytest.raises(ObjectStoreUnavailable):
        store.download(a_head(3), tmp_path / "copy", max_bytes=10)


def test_missing_credentials_are_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(ConfigurationError, match="credentials"):
        S3Store(endpoint="http://127.0.0.1:1").head(REF)


def test_a_bucket_name_that_cannot_exist_is_not_found(store: S3Store) -> None:
    with pytest.raises(ObjectNotFound, match="no such name"):
        store.head(ObjectRef(bucket="not a bucket!", key="a"))


def test_ping_takes_forbidden_for_an_answer(
    broken: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, 403, "AccessDenied")
    assert broken.ping().startswith("S3 at http://127.0.0.1")

    say(monkeypatch, 403, "InvalidAccessKeyId")
    with pytest.raises(ConfigurationError):
        broken.ping()


def test_a_request_that_we_built_wrong_is_our_defect(
    broken: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, 400, "MalformedXML")

    with pytest.raises(Exception, match="MalformedXML") as caught:
        list(broken.list("b", ""))
    assert type(caught.value).__name__ == "ClientError"


class Busy(Answer):
    """Says `SlowDown` to the first requests, then answers."""

    n_asked: ClassVar[int] = 0

    def answer(self) -> None:
        type(self).n_asked += 1
        self.status = 503 if self.n_asked < 3 else 200
        self.code = "SlowDown"
        super().answer()

    do_GET = do_HEAD = do_PUT = answer  # noqa: N815  http.server's names


def test_a_store_that_asks_to_slow_down_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    use_credentials(monkeypatch)
    monkeypatch.setattr(Busy, "n_asked", 0)
    with serving(Busy) as url:
        store = S3Store(endpoint=url)
        assert store.head(REF).etag == "e"
        store._client.close()

    assert Busy.n_asked == 3


def test_large_objects_are_moved_in_ranges(store: S3Store, tmp_path: Path) -> None:
    ranges: list[str] = []

    def note(request: Any, **_: Any) -> None:
        ranges.append(request.headers["Range"])

    store._client.meta.events.register("before-send.s3.GetObject", note)
    content = bytes(range(256)) * (80 << 10)  # 20 MiB
    (tmp_path / "a").write_bytes(content)
    ref = ObjectRef(bucket=BUCKET, key="large")

    store.upload(tmp_path / "a", ref)
    head = store.head(ref)
    store.download(head, tmp_path / "copy", max_bytes=len(content))

    assert head.etag.endswith("-3")
    assert len(set(ranges)) == 3
    assert (tmp_path / "copy").read_bytes() == content
    store._client.meta.events.unregister("before-send.s3.GetObject", note)


def test_objects_outlive_the_server(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"kept")
    ref = ObjectRef(bucket=BUCKET, key="a/b")
    with run_nanio(tmp_path / "served") as url, open_store(url) as store:
        empty_bucket(store, BUCKET)
        store.upload(tmp_path / "a", ref)
        before = store.head(ref)

    with run_nanio(tmp_path / "served") as url, open_store(url) as store:
        (found,) = store.list(BUCKET, "")

    assert found.generation == before.generation
