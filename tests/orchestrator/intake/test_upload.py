"""Files that clients bring: through presigned URLs of a real S3 server, and through us."""

import httpx
import pytest
from fastapi.testclient import TestClient

from infra.s3_store import S3Store
from orchestrator.api.app import MAX_BODY_BYTES, create_app
from orchestrator.intake import upload
from orchestrator.intake.events import Intake
from orchestrator.intake.upload import Place, create_router, place_of
from schemas.asset import ObjectRef
from schemas.errors import ConfigurationError
from tests.object_stores import empty_bucket

BUCKET = "uploads"


@pytest.fixture
def store(moto_store: S3Store):
    empty_bucket(moto_store, BUCKET)
    return moto_store


@pytest.fixture
def client(store, database, settings, tmp_path):
    place = Place(BUCKET, "in/", "acme", 100 << 20, tmp_path / "scratch")
    intake = Intake(database, store, settings)
    router = create_router(intake, store, store.uploads, place)
    app = create_app(None, None, ready=dict, tenant="acme", routers=[router])
    return TestClient(app, raise_server_exceptions=False)


def plan(client, name, n_bytes):
    response = client.post("/v1/uploads", json={"name": name, "size_bytes": n_bytes})
    assert response.status_code == 201
    return response.json()


def send(part, content):
    answer = httpx.put(part["url"], content=content)
    assert answer.status_code == 200
    return answer.headers["etag"]


def stored(store, key, tmp_path):
    head = store.head(ObjectRef(bucket=BUCKET, key=key))
    store.download(head, tmp_path / "copy", max_bytes=1 << 30)
    return (tmp_path / "copy").read_bytes()


def test_a_file_is_put_by_url_and_admitted(client, store, tmp_path):
    planned = plan(client, "red flower+%41.jpg", 5)
    (part,) = planned["parts"]
    send(part, b"12345")

    done = client.post("/v1/uploads/complete", json={"key": planned["key"]})

    assert done.status_code == 200
    assert done.json()["asset_id"]
    assert planned["key"].startswith("in/acme/")
    assert planned["key"].endswith("/red flower+%41.jpg")
    assert stored(store, planned["key"], tmp_path) == b"12345"


def test_a_large_file_is_put_in_parts(client, store, tmp_path, monkeypatch):
    monkeypatch.setattr(upload, "_PART_BYTES", 5 << 20)
    content = bytes(range(256)) * (24 << 10)  # 6 MiB
    planned = plan(client, "film.mp4", len(content))
    assert [part["size_bytes"] for part in planned["parts"]] == [5 << 20, 1 << 20]
    etags, start = [], 0
    for part in planned["parts"]:
        etags.append(send(part, content[start : start + part["size_bytes"]]))
        start += part["size_bytes"]
    complete = {"key": planned["key"], "upload_id": planned["upload_id"], "etags": etags}

    first = client.post("/v1/uploads/complete", json=complete)
    again = client.post("/v1/uploads/complete", json=complete)

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert stored(store, planned["key"], tmp_path) == content


def test_an_upload_that_never_came_is_not_admitted(client):
    planned = plan(client, "a", 5)

    response = client.post("/v1/uploads/complete", json={"key": planned["key"]})

    assert response.status_code == 422
    assert "ObjectNotFound" in response.json()["detail"]


@pytest.mark.parametrize("key", ["other", "in/else/x", "../in/acme/x", ""])
def test_nothing_outside_the_tenants_place_is_completed(client, key):
    assert client.post("/v1/uploads/complete", json={"key": key}).status_code == 422


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "x" * 201])
def test_names_that_are_none_are_refused(client, name):
    response = client.post("/v1/uploads", json={"name": name, "size_bytes": 1})

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_is_streamed_to_the_store(client, store, tmp_path):
    content = b"x" * (MAX_BODY_BYTES + 1)  # more than any other route takes

    response = client.put("/v1/objects/talk.mp4", content=content)

    assert response.status_code == 201
    (head,) = store.list(BUCKET, "in/acme/")
    assert response.json()["uri"] == head.ref.uri
    assert head.size_bytes == len(content)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_sizes_have_a_limit_whatever_is_claimed(store, database, settings, tmp_path):
    place = Place(BUCKET, "", "t", 10, tmp_path / "scratch")
    router = create_router(Intake(database, store, settings), store, store.uploads, place)
    client = TestClient(create_app(None, None, ready=dict, tenant="t", routers=[router]))

    planned = client.post("/v1/uploads", json={"name": "a", "size_bytes": 11})
    sent = client.put("/v1/objects/a", content=iter([b"x" * 6, b"x" * 6]))

    assert planned.status_code == sent.status_code == 413
    assert list(store.list(BUCKET, "")) == []
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_place_comes_from_the_settings(settings):
    place = place_of(settings.model_copy(update={"upload_url": "s3://in/a", "tenant": "t"}))

    assert (place.bucket, place.root) == ("in", "a/t/")
    with pytest.raises(ConfigurationError):
        place_of(settings.model_copy(update={"upload_url": "/tmp"}))
