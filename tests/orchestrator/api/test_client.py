"""A client against the real application on a real port, and against what is none."""

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from orchestrator.api.client import Unreachable, ask
from schemas.errors import IngestError
from schemas.search import Answer, Filter, Query

ANSWER = Answer(
    hits=[
        {
            "uri": "s3://b/k",
            "asset_id": "6f0a3b5e-6d1c-4c52-9d53-0f8c3a1d7e42",
            "media_type": "image",
            "score": 0.5,
            "box": (0.0, 0.0, 1.0, 1.0),
        }
    ],
    took_ms=1.5,
)


class Api:
    """Answers every request alike; keeps the last one."""

    def __init__(self, status=200, body="", content_type="application/json"):
        self.reply = (status, body.encode(), content_type)
        self.path = self.request = None


@contextmanager
def serve(api):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            n_bytes = int(self.headers["Content-Length"])
            api.path, api.request = self.path, json.loads(self.rfile.read(n_bytes))
            status, body, content_type = api.reply
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_answer_comes_back_whole():
    api = Api(body=ANSWER.model_dump_json())
    with serve(api) as url:
        answer = ask(url, Query(text="a red circle"))

    assert answer == ANSWER
    assert api.path == "/v1/search"


def test_query_is_sent_whole():
    api = Api(body=ANSWER.model_dump_json())
    query = Query(
        text="red",
        image=b"\xff\xd8",
        audio=b"\x00",
        weight_image=0.7,
        filter=Filter(kinds=("image",), page=3),
        limit=5,
    )
    with serve(api) as url:
        ask(url, query)

    assert base64.b64decode(api.request.pop("image")) == b"\xff\xd8"
    assert base64.b64decode(api.request.pop("audio")) == b"\x00"
    assert api.request == {
        "text": "red",
        "weight_image": 0.7,
        "filter": {"kinds": ["image"], "page": 3},
        "limit": 5,
    }


def test_application_understands_what_the_client_sends():
    from orchestrator.api.app import SearchRequest

    api = Api(body=ANSWER.model_dump_json())
    query = Query(text="red", image=b"\xff\xd8", filter=Filter(language="en"), limit=5)
    with serve(api) as url:
        ask(url, query)

    assert SearchRequest.model_validate(api.request).query() == query


def test_refusal_carries_its_reason():
    problem = json.dumps({"status": 422, "detail": "query image: no picture"})
    api = Api(422, problem, "application/problem+json")
    with serve(api) as url, pytest.raises(IngestError, match=r"^query image: no picture$"):
        ask(url, Query(image=b"x"))


@pytest.mark.parametrize(
    "api",
    [
        Api(404, "<h1>not here</h1>", "text/html"),
        Api(200, "<h1>hello</h1>", "text/html"),
        Api(200, '{"hello": 1}'),
        Api(500, '{"error": 1}'),
    ],
)
def test_another_program_at_the_address_is_not_asked(api):
    with serve(api) as url, pytest.raises(Unreachable, match="something else"):
        ask(url, Query(text="x"))


def test_address_where_nobody_listens_is_unreachable():
    with serve(Api()) as url:
        pass

    with pytest.raises(Unreachable, match="refused"):
        ask(url, Query(text="x"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "nonsense", "http://"])
def test_address_that_is_none_is_unreachable(url):
    with pytest.raises(Unreachable):
        ask(url, Query(text="x"))
