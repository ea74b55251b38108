"""Each server has a line of its own: version, latency, and what is wrong."""

import socket

import pytest
from sqlalchemy import text

from infra.broker import create_app, ensure_queues
from infra.settings import load_settings
from infra.workforce import Workforce
from orchestrator.commands import doctor_cluster
from orchestrator.commands.doctor_cluster import cluster_checks, server_checks, worker_check
from tests.factories import make_plan, plant_asset

NOWHERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def _stores(monkeypatch, vectors, artifacts):
    """Tested elsewhere."""
    monkeypatch.setattr(doctor_cluster, "open_vectors", lambda _settings: vectors)
    monkeypatch.setattr(doctor_cluster, "open_objects", lambda _settings: artifacts)


def checks(settings):
    return {check.name: check for check in cluster_checks(settings)}


@pytest.fixture
def make_settings(profile, clean_environment, postgres):
    def make(**overrides):
        url = postgres.url.render_as_string(hide_password=False)
        given = {"database_url": url, "models": str(profile), "broker_url": f"amqp://{NOWHERE}//"}
        return load_settings(**{**given, **overrides})

    return make


def test_what_answers_is_told_with_version_and_latency(make_settings, redis_url):
    found = checks(make_settings(broker_url=redis_url))

    assert found["database"].found.startswith("postgresql ")
    assert found["broker"].found.startswith("Redis ")
    for name in ("database", "broker", "vectors", "object store"):
        assert found[name].latency_ms is not None


def test_server_that_is_away_hides_no_other(make_settings):
    found = checks(make_settings(database_url=f"postgresql://nobody@{NOWHERE}/none"))

    assert {name for name, check in found.items() if check.status == "error"} == {
        "database",
        "schema",
        "broker",
    }
    assert found["vectors"].status == "ok"


def test_old_rabbitmq_is_advised_on_its_time_limit(make_settings, amqp_url):
    found = checks(make_settings(broker_url=amqp_url))["broker"]

    assert found.found.startswith("RabbitMQ ")
    is_old = tuple(map(int, found.found.split()[1].split(".")[:2])) < (3, 12)
    assert ("consumer_timeout" in (found.advice or "")) is is_old


def test_work_without_a_worker_is_an_error(make_settings, redis_url, any_database):
    if any_database.is_sqlite:
        pytest.skip("a cluster has a server")
    with any_database.session_scope() as session:
        plant_asset(session, [make_plan()])
        Workforce(session, 5.0).join("w1", ["ocr.normal"], "cpu")

    queues = checks(make_settings(broker_url=redis_url))["queues"]

    assert queues.status == "error"
    assert "work waits for prepare.normal" in queues.found
    assert "ocr.normal" not in queues.found


def test_dead_letters_are_told(make_settings, redis_url):
    settings = make_settings(broker_url=redis_url)
    app = create_app(settings)
    ensure_queues(app)
    with app.connection_for_write() as connection:
        connection.default_channel._put("sluice.dead", {"body": "", "properties": {}})

    assert checks(settings)["dead letters"].found.startswith("1 messages")
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge(queue="sluice.dead")
    app.close()


@pytest.mark.parametrize(
    ("name", "status"),
    [(f"{socket.gethostname()}-17", "ok"), ("another-host-17", "error"), (None, "error")],
)
def test_probe_of_a_worker_asks_for_one_of_this_host(make_settings, any_database, name, status):
    if name:
        with any_database.session_scope() as session:
            Workforce(session, heartbeat_s=60.0).join(name, ["ocr.normal"], "cpu")
    url = any_database.url.render_as_string(hide_password=False)

    found = worker_check(make_settings(database_url=url))

    assert found.status == status, found.found


def test_probe_of_a_worker_that_has_gone_silent_fails(make_settings, any_database):
    with any_database.session_scope() as session:
        workforce = Workforce(session, heartbeat_s=60.0)
        workforce.join(f"{socket.gethostname()}-17", ["ocr.normal"], "cpu")
        session.execute(text("UPDATE workers SET seen_at = seen_at - 1000"))
    url = any_database.url.render_as_string(hide_password=False)

    assert worker_check(make_settings(database_url=url)).status == "error"


def test_probe_of_a_worker_says_that_the_database_is_away(make_settings):
    found = worker_check(make_settings(database_url=f"postgresql://nobody@{NOWHERE}/none"))

    assert (found.status, found.name) == ("error", "worker")


def test_probe_of_the_servers_does_not_mind_that_nobody_works(
    make_settings, any_database, redis_url
):
    with any_database.session_scope() as session:
        plant_asset(session, [make_plan(stage="ocr")])
    url = any_database.url.render_as_string(hide_password=False)
    settings = make_settings(database_url=url, broker_url=redis_url)

    probed = {check.name: check.status for check in server_checks(settings)}

    assert set(probed) == {"database", "broker", "vectors", "object store"}
    assert "error" not in probed.values()
    assert checks(settings)["queues"].status == "error"
