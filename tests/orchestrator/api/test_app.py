import base64
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from orchestrator.api import app as api
from orchestrator.api.app import create_app
from schemas.asset import AssetState, MediaType
from schemas.errors import DatabaseUnavailable, MediaTooLarge, UnreadableMedia
from schemas.reports import AssetDetails
from schemas.search import Answer, Hit

ASSET = uuid4()


class Recorder:
    """Answers every query with one hit, or with an error, and keeps the query."""

    def __init__(self, error=None):
        self.error = error

    def search(self, query, tenant):
        self.query, self.tenant = query, tenant
        if self.error:
            raise self.error
        hit = Hit(
            uri="s3://b/k", asset_id=ASSET, media_type=MediaType.IMAGE, score=0.5, text="a dog"
        )
        return Answer(hits=(hit,), took_ms=1.0)


def find_details(tenant, asset_id):
    if asset_id != ASSET:
        return None
    return AssetDetails(
        asset_id=asset_id,
        uri=f"s3://{tenant}/k",
        media_type=MediaType.IMAGE,
        state=AssetState.READY,
        facts=None,
        stages={},
        artifacts=(),
        segments=(),
        failures=(),
    )


def make_client(searcher=None, ready=dict):
    app = create_app(searcher or Recorder(), find_details, ready=ready, tenant="acme")
    return TestClient(app, raise_server_exceptions=False)


def assert_problem(response, status):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["title"]


def test_search_answers_with_hits():
    searcher = Recorder()
    body = {"text": "dog", "limit": 3, "filter": {"kinds": ["image"]}}

    response = make_client(searcher).post("/v1/search", json=body)

    assert response.json()["hits"][0]["text"] == "a dog"
    assert (searcher.tenant, searcher.query.limit) == ("acme", 3)
    assert searcher.query.filter.kinds == (MediaType.IMAGE,)


def test_search_takes_image_and_audio_as_base64():
    searcher = Recorder()
    image, audio = base64.b64encode(b"jpeg").decode(), base64.b64encode(b"flac").decode()

    make_client(searcher).post(
        "/v1/search", json={"image": image, "audio": audio, "weight_image": 0.7}
    )

    query = searcher.query
    assert (query.image, query.audio, query.weight_image) == (b"jpeg", b"flac", 0.7)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/"),
        ({"text": "  "}, "#/"),
        ({"text": "a", "limit": 0}, "#/limit"),
        ({"text": "a", "filter": {"colour": "red"}}, "#/filter/colour"),
        ({"text": "a", "mode": "fast"}, "#/mode"),
        ({"image": "no base64!"}, "#/image"),
        ({"text": "a" * 20_000}, "#/text"),
    ],
)
def test_search_says_what_is_wrong_with_a_request(body, pointer):
    response = make_client().post("/v1/search", json=body)

    assert_problem(response, 422)
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_search_does_not_repeat_refused_input():
    response = make_client().post("/v1/search", json={"image": "@" * 10_000})

    assert len(response.content) < 1000


def test_search_refuses_what_is_no_json():
    response = make_client().post(
        "/v1/search", content=b"{", headers={"content-type": "application/json"}
    )

    assert_problem(response, 422)


@pytest.mark.parametrize("chunked", [False, True])
def test_search_refuses_a_body_that_is_too_large(monkeypatch, chunked):
    monkeypatch.setattr(api, "MAX_BODY_BYTES", 100)
    body = b'{"text": "' + b"a" * 200 + b'"}'

    response = make_client().post(
        "/v1/search",
        content=iter([body]) if chunked else body,
        headers={"content-type": "application/json"},
    )

    assert_problem(response, 413)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnreadableMedia("query image: truncated"), 422),
        (MediaTooLarge("query image: 900 megapixels"), 413),
        (DatabaseUnavailable("database: no answer"), 503),
        (ZeroDivisionError("secret"), 500),
    ],
)
def test_search_turns_errors_into_problems(error, status):
    response = make_client(Recorder(error)).post("/v1/search", json={"text": "a"})

    assert_problem(response, status)
    assert "secret" not in response.text


def test_unavailable_says_when_to_try_again():
    response = make_client(Recorder(DatabaseUnavailable("x"))).post(
        "/v1/search", json={"text": "a"}
    )

    assert response.headers["retry-after"] == "1"


def test_asset_is_reported_within_the_tenant():
    response = make_client().get(f"/v1/assets/{ASSET}")

    assert response.json()["asset_id"] == str(ASSET)
    assert response.json()["uri"] == "s3://acme/k"


def test_asset_that_is_unknown_is_a_problem():
    assert_problem(make_client().get(f"/v1/assets/{UUID(int=1)}"), 404)


def test_asset_id_that_is_none_is_a_problem():
    assert_problem(make_client().get("/v1/assets/42"), 422)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/v1/search", 405)]
)
def test_unknown_paths_and_methods_are_problems(method, path, status):
    assert_problem(make_client().request(method, path), status)


def test_healthz_needs_nothing():
    assert make_client().get("/healthz").json() == {"status": "ok"}


def test_readyz_names_what_answers():
    response = make_client(ready=lambda: {"vectors": "1.0"}).get("/readyz")

    assert response.json() == {"status": "ok", "systems": {"vectors": "1.0"}}


def test_readyz_is_unavailable_while_a_system_is():
    def ready():
        raise DatabaseUnavailable("database: no answer")

    assert_problem(make_client(ready=ready).get("/readyz"), 503)


def test_openapi_describes_the_paths():
    paths = make_client().get("/openapi.json").json()["paths"]

    assert set(paths) == {"/healthz", "/readyz", "/v1/search", "/v1/assets/{asset_id}"}
