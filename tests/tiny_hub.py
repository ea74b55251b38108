"""A model hub on this machine: the few answers that Hugging Face's client needs."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "c0ffee" + "0" * 34
REPOSITORY = "tiny/eye"


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class TinyHub:
    """One repository at one commit, and what may go wrong with it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {
            "config.json": b'{"model_type": "eye"}',
            "model.safetensors": bytes(range(256)) * 40,
            "1_Pooling/config.json": b"{}",
            "pytorch_model.bin": b"a pickle",
            "modeling_eye.py": b"print('code')",
            "README.md": b"# eye",
        }
        self.revisions = {"main": COMMIT, COMMIT: COMMIT, "refs/pr/3": COMMIT}
        #: Bytes after which the connection breaks, once per entry.
        self.cuts: list[int] = []
        #: What is sent instead of a file's content.
        self.lies: dict[str, bytes] = {}
        #: Answers every request with it.
        self.status: int | None = None
        #: (method, path, range) of every request.
        self.requests: list[tuple[str, str, str | None]] = []
        self.endpoint = ""

    @property
    def downloads(self) -> list[tuple[str, str | None]]:
        """(path in the repository, range) of files that were asked for."""
        asked = [(path.partition("/resolve/")[2], span) for _, path, span in self.requests]
        return [(path.partition("/")[2], span) for path, span in asked if path]

    def describe(self, revision: str) -> dict[str, Any] | None:
        commit = self.revisions.get(revision)
        if commit is None:
            return None
        return {
            "id": REPOSITORY,
            "sha": commit,
            "siblings": [self._sibling(*each) for each in self.files.items()],
        }

    def _sibling(self, path: str, content: bytes) -> dict[str, Any]:
        told: dict[str, Any] = {
            "rfilename": path,
            "size": len(content),
            "blobId": git_sha1(content),
        }
        if path.endswith(".safetensors"):
            digest = hashlib.sha256(content).hexdigest()
            told["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
        return told


class _Answers(BaseHTTPRequestHandler):
    hub: TinyHub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        if self.hub.status is not None:
            self._answer(self.hub.status, b"no JSON")
        elif path.startswith(f"/api/models/{REPOSITORY}/revision/"):
            told = self.hub.describe(path.partition("/revision/")[2])
            if told is None:
                self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            else:
                self._answer(200, json.dumps(told).encode())
        elif path.startswith(f"/{REPOSITORY}/resolve/{COMMIT}/"):
            self._send_file(path.partition(f"/{COMMIT}/")[2])
        else:
            self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _send_file(self, name: str) -> None:
        content = self.hub.lies.get(name, self.hub.files.get(name, b""))
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        headers = {"X-Repo-Commit": COMMIT}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut = self.hub.cuts.pop(0) if self.hub.cuts and name.endswith(".safetensors") else None
        self._answer(206 if asked else 200, content[start:], headers, cut=cut)

    def _answer(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        *,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def run_hub() -> Iterator[TinyHub]:
    """Serve until the block ends."""
    hub = TinyHub()
    answers = type("Answers", (_Answers,), {"hub": hub, "protocol_version": "HTTP/1.1"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the client's, and no hub of this machine's user."""
    folder = tmp_path / "hub-cache"
    folder.mkdir()
    nowhere = "http://127.0.0.1:9"
    template = "/{repo_id}/resolve/{revision}/{filename}"
    for name, value in {
        "HF_HUB_CACHE": str(folder),
        "HF_HUB_OFFLINE": False,
        "HF_TOKEN_PATH": str(tmp_path / "no-token"),
        "ENDPOINT": nowhere,
        "HUGGINGFACE_CO_URL_TEMPLATE": nowhere + template,
    }.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return folder


@pytest.fixture
def hub(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyHub]:
    """A hub that the client asks in this test."""
    from huggingface_hub import close_session

    close_session()  # the client of an earlier test has that test's connections
    with run_hub() as hub:
        template = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + template
        )
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _s: None)
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
        yield hub
        close_session()
