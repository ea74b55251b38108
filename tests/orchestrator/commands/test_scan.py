import json
import os
import signal

import pytest

from infra.memory_store import InMemoryObjectStore
from orchestrator.commands import EXIT_OK, EXIT_STOPPED
from orchestrator.commands.scan import run_scan
from orchestrator.deps import Deps
from orchestrator.intake import scan as scanning
from schemas.errors import ConfigurationError
from tests.factories import make_ref


@pytest.fixture
def bucket(monkeypatch, stub_deps, store):
    bucket = InMemoryObjectStore()
    monkeypatch.setattr(Deps, "_s3", lambda _self: bucket)
    return bucket


def put(bucket, *keys):
    for key in keys:
        bucket.put(make_ref(bucket="media", key=key), key.encode())


def run(source="s3://media", *, restart=False, as_json=False):
    return run_scan(source, restart=restart, max_gone=0.5, tenant=None, as_json=as_json)


def test_scan_tells_what_it_found(bucket, capsys):
    put(bucket, "a", "b")

    assert run() == EXIT_OK
    assert capsys.readouterr().out == "2 listed, 2 new, 0 changed, 0 gone\n"


def test_scan_prints_one_document(bucket, capsys):
    put(bucket, "x/a", "y")

    assert run("s3://media/x/", as_json=True) == EXIT_OK

    assert json.loads(capsys.readouterr().out) == {
        "source": "s3://media/x/",
        "n_listed": 1,
        "n_new": 1,
        "n_changed": 0,
        "n_gone": 0,
    }


def test_scan_that_is_stopped_goes_on(bucket, capsys, monkeypatch):
    monkeypatch.setattr(scanning, "_PAGE", 1)
    put(bucket, "a", "b")
    before = signal.getsignal(signal.SIGINT)
    head = bucket.head

    def interrupted(ref):
        if ref.key == "a" and signal.getsignal(signal.SIGINT) is not before:
            os.kill(os.getpid(), signal.SIGINT)
        return head(ref)

    monkeypatch.setattr(bucket, "head", interrupted)
    assert run() == EXIT_STOPPED
    assert "goes on where" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before

    monkeypatch.setattr(bucket, "head", head)
    assert run() == EXIT_OK
    assert capsys.readouterr().out.startswith("2 listed, 2 new")


def test_scan_of_no_bucket_is_refused(bucket):
    with pytest.raises(ConfigurationError, match="expected s3://"):
        run("media")
