"""S3 servers of a test run's own, in its process: moto (forgets, tells SQS and SNS) and nanio
(keeps objects as files, checks signatures).
"""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from infra.s3_store import S3Store

ACCESS_KEY = "test"
SECRET_KEY = "test"


def use_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3's chain find what both servers accept, and nothing of this machine's user."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@contextmanager
def open_store(endpoint: str) -> Iterator[S3Store]:
    """A client of one of these servers."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_credentials(monkeypatch)
        store = S3Store(endpoint=endpoint)
    yield store
    store._client.close()


def empty_bucket(store: S3Store, bucket: str) -> None:
    """Make a bucket, or what is left of it, as good as new."""
    with suppress(store._client.exceptions.BucketAlreadyOwnedByYou):
        store._client.create_bucket(Bucket=bucket)
    for head in list(store.list(bucket, "")):
        store.delete(head.ref)


@contextmanager
def run_moto() -> Iterator[str]:
    """Moto's endpoint on a free port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def run_nanio(folder: Path) -> Iterator[str]:
    """Nanio's endpoint on a free port; objects lie in `folder`."""
    import uvicorn
    from nanio.app import build_app
    from nanio.auth.credentials import StaticCredentialResolver
    from nanio.config import Settings

    folder.mkdir(exist_ok=True)
    logging.getLogger("nanio").setLevel(logging.CRITICAL)
    app = build_app(
        Settings(data_dir=folder, credentials=StaticCredentialResolver({ACCESS_KEY: SECRET_KEY}))
    )
    # Clients of other tests keep connections open; it must not wait for them.
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), name="nanio", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10.0)
    listener.close()
