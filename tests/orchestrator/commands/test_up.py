import json
import logging
import socket
import threading
from contextlib import contextmanager

import httpx
import pytest

from infra.home_lock import read_owner
from orchestrator.commands import EXIT_OK
from orchestrator.commands.ingest import run_ingest
from orchestrator.commands.up import listen, run_up, url_of
from orchestrator.progress import STOPPING_HINT
from schemas.errors import ConfigurationError
from schemas.reports import AssetDetails, IngestReport


@contextmanager
def visitor(home, stub_deps, visit):
    """Waits on a thread until the API is announced, visits it, then presses Ctrl-C."""
    outcome = []

    def run():
        patience = threading.Event()
        while not (url := read_owner(home).get("url")):
            patience.wait(0.01)
        with httpx.Client(base_url=url, timeout=10.0, trust_env=False) as client:
            try:
                outcome.append(visit(client))
            finally:
                stub_deps.newest.batch_worker.interrupt()

    thread = threading.Thread(target=run)
    thread.start()
    yield outcome
    thread.join()


def serve(home, stub_deps, visit, host="127.0.0.1"):
    """Run the command, visited once; its exit status and what the visitor saw."""
    with visitor(home, stub_deps, visit) as outcome:
        status = run_up(host=host, port=0)
    return status, outcome[0]


def test_up_tells_programs_what_it_does(store, home, stub_deps, capsys):
    with visitor(home, stub_deps, lambda client: str(client.base_url)) as outcome:
        assert run_up(host="127.0.0.1", port=0, as_json=True) == EXIT_OK

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in told] == ["ready", "stopping", "stopped"]
    assert {line["command"] for line in told} == {"up"}
    assert told[0]["url"].rstrip("/") == outcome[0].rstrip("/")
    (handler,) = logging.getLogger().handlers
    record = logging.makeLogRecord({"msg": "said", "levelno": 30, "levelname": "WARNING"})
    assert json.loads(handler.format(record))["event"] == "said"


def test_up_serves_until_it_is_stopped(store, home, stub_deps, capsys):
    def visit(client):
        paths = ("/healthz", "/readyz", "/openapi.json", f"/v1/assets/{'0' * 32}")
        return [client.get(path).status_code for path in paths]

    status, seen = serve(home, stub_deps, visit)

    assert (status, seen) == (EXIT_OK, [200, 200, 200, 404])
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[0].startswith("serving http://127.0.0.1:")
    assert lines[0].endswith("/openapi.json; Ctrl-C stops")
    assert lines[1:] == [STOPPING_HINT, "stopped"]


def test_up_tells_other_commands_where_and_for_whom(store, home, stub_deps, monkeypatch):
    monkeypatch.setenv("SLUICE_TENANT", "mine")

    _, (owner, url) = serve(home, stub_deps, lambda client: (read_owner(home), client.base_url))

    assert owner["command"] == "up"
    assert owner["tenant"] == "mine"
    assert httpx.URL(owner["url"]) == url


def test_up_answers_searches_for_its_tenant(store, home, stub_deps, monkeypatch):
    monkeypatch.setenv("SLUICE_TENANT", "mine")

    def visit(client):
        return client.post("/v1/search", json={"text": "red"}).json()

    _, answer = serve(home, stub_deps, visit)

    assert answer == stub_deps.answer.model_dump(mode="json")
    ((query, tenant),) = stub_deps.newest.queries
    assert (query.text, tenant) == ("red", "mine")


def test_up_shows_assets_and_works_off_what_waits(store, home, stub_deps, folder, capsys):
    run_ingest(["a.txt"], wait=False, priority="normal", tenant=None, as_json=True)
    (asset,) = IngestReport.model_validate_json(capsys.readouterr().out).assets

    def visit(client):
        patience = threading.Event()
        while True:
            shown = client.get(f"/v1/assets/{asset.asset_id}").json()
            if shown["state"] == "ready":
                return shown
            patience.wait(0.01)

    _, shown = serve(home, stub_deps, visit)

    details = AssetDetails.model_validate(shown)
    assert details.uri == (folder / "a.txt").as_uri()
    assert details.segments


def test_address_in_use_is_told_before_anything_is_loaded(store, home, stub_deps):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match="cannot serve: Address already in use"):
            run_up(host="127.0.0.1", port=port)

    assert "_pipeline" not in vars(stub_deps.newest)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 99999), ("", -1)])
def test_address_that_is_none_of_ours_is_wrong_usage(host, port):
    with pytest.raises(ConfigurationError, match="cannot serve"):
        listen(host, port)


def test_address_comes_from_the_settings(store, home, stub_deps, monkeypatch):
    monkeypatch.setenv("SLUICE_API_HOST", "127.0.0.1")
    monkeypatch.setenv("SLUICE_API_PORT", "99999")

    with pytest.raises(ConfigurationError, match="port 99999: expected 0 to 65535"):
        run_up(host=None, port=None)


def test_url_of_a_free_port_names_it():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

        assert url_of(listener) == f"http://127.0.0.1:{port}"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_url_of_ipv6_has_brackets():
    try:
        listener = listen("::1", 0)
    except ConfigurationError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        assert url_of(listener).startswith("http://[::1]:")
