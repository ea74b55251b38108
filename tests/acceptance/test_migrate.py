"""From one machine to servers: the same command line finds the same, and no model ran."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import services
from tests.acceptance.conftest import Store

BUCKET = "derived"
NOTES = {
    "harbour.txt": "Twelve orange lanterns were left at the harbour office on Monday.",
    "orchard.md": "# Orchard\n\nThe violin teacher planted four pear trees behind the bakery.",
    "tunnel.html": "<html><body><p>The tunnel to the glacier opens in spring.</p></body></html>",
}
QUESTIONS = ("who planted pear trees?", "lanterns", "when can I see the glacier?")


@pytest.fixture
def servers(tmp_path: Path, make_postgres: Callable[[], str]) -> Any:
    """Settings of a cluster whose servers are empty."""
    from boto3.session import Session

    s3_port, qdrant_port = services.free_port(), services.free_port()
    s3 = [sys.executable, "-m", "moto.server", "-p", str(s3_port)]
    qdrant = [sys.executable, "-m", "tests.qdrant_double", str(qdrant_port + 1)]
    with (
        services.server(s3, tmp_path / "s3.log", lambda: services.is_listening(s3_port)),
        services.server(qdrant, tmp_path / "q.log", lambda: services.is_listening(qdrant_port + 1)),
    ):
        endpoint = f"http://127.0.0.1:{s3_port}"
        session = Session("test", "test", region_name="us-east-1")
        session.client("s3", endpoint_url=endpoint).create_bucket(Bucket=BUCKET)
        yield {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "SLUICE_BROKER_URL": "amqp://127.0.0.1:1//",
            "SLUICE_DATABASE_URL": make_postgres(),
            "SLUICE_QDRANT_URL": f"http://127.0.0.1:{qdrant_port}",
            "SLUICE_STORE_URL": f"s3://{BUCKET}/made",
            "SLUICE_S3_ENDPOINT": endpoint,
        }


def answers(store: Store) -> list[Any]:
    """What people see of each answer."""
    found = [store.json("search", question)["hits"] for question in QUESTIONS]
    return [[(h["uri"], h["text"], round(h["score"], 4)) for h in hits] for hits in found]


def test_moved_index_answers_as_before(
    make_store: Callable[[], Store], tmp_path: Path, servers: dict[str, str]
) -> None:
    home, folder = make_store(), tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    home.json("ingest", str(folder))
    before = answers(home)
    assert all(before)

    cluster = Store(tmp_path / "elsewhere")
    cluster.env = {**servers, "SLUICE_HOME": str(home.home)}
    moved = cluster.json("migrate")
    # Another machine has no home of ours.
    cluster.env["SLUICE_HOME"] = str(cluster.home)

    assert (moved["state"], moved["differences"]) == ("finished", [])
    assert moved["remarks"][0].startswith("3 objects are files of this machine")
    assert answers(cluster) == before
    assert cluster.json("status")["assets"] == {"ready": len(NOTES)}
