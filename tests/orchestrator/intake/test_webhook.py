import base64

import pytest
from fastapi.testclient import TestClient

from orchestrator.api.app import create_app
from orchestrator.intake import webhook
from orchestrator.intake.receiver import Verdict
from orchestrator.intake.webhook import create_router
from schemas.errors import DatabaseUnavailable

BEARER = {"Authorization": "Bearer secret"}


class Recorder:
    """Keeps what it is given and answers as a test says."""

    def __init__(self, verdict=Verdict.TAKEN, error=None):
        self.verdict, self.error, self.bodies = verdict, error, []

    def receive(self, bodies):
        if self.error:
            raise self.error
        self.bodies += bodies
        return [self.verdict] * len(bodies)


def client(receiver):
    app = create_app(
        None, None, ready=dict, tenant="t", routers=[create_router(receiver, "secret")]
    )
    return TestClient(app, raise_server_exceptions=False)


def assert_problem(response, status):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def basic(password):
    return {"Authorization": "Basic " + base64.b64encode(f"events:{password}".encode()).decode()}


@pytest.mark.parametrize("headers", [BEARER, {"Authorization": "bearer secret"}, basic("secret")])
def test_a_notification_is_taken_as_it_is(headers):
    receiver = Recorder()

    response = client(receiver).post("/v1/events", content=b'{"a": 1}', headers=headers)

    assert response.status_code == 200
    assert receiver.bodies == [b'{"a": 1}']


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer s\u00e9cret".encode("latin-1")},
        {"Authorization": "Basic ???"},
        basic("wrong"),
        basic(""),
    ],
)
def test_strangers_are_refused_before_their_body_is_read(headers):
    receiver = Recorder()

    response = client(receiver).post("/v1/events", content=b"{}", headers=headers)

    assert_problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert receiver.bodies == []


def test_a_token_must_be_set():
    with pytest.raises(ValueError, match="everyone"):
        create_router(Recorder(), "")


def test_without_a_token_there_is_no_such_place():
    app = create_app(None, None, ready=dict, tenant="t")

    assert_problem(TestClient(app).post("/v1/events", json={}), 404)


def test_a_body_is_capped_whatever_it_claims(monkeypatch):
    monkeypatch.setattr(webhook, "MAX_BODY_BYTES", 100)
    receiver = Recorder()

    def pieces():
        yield from [b"x" * 60] * 3

    assert_problem(client(receiver).post("/v1/events", content=pieces(), headers=BEARER), 413)
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("receiver", "status"),
    [
        (Recorder(Verdict.MALFORMED), 422),
        (Recorder(Verdict.UNANSWERED), 503),
        (Recorder(error=DatabaseUnavailable("database: gone")), 503),
    ],
)
def test_what_was_not_taken_is_refused(receiver, status):
    response = client(receiver).post("/v1/events", content=b"{}", headers=BEARER)

    assert_problem(response, status)
    assert ("retry-after" in response.headers) == (status == 503)
