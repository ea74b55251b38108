"""docker-compose.yml: what an engine would refuse, and what our own processes would."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.infra.deployed import ROOT, load_as_deployed, make_secrets, parse_command, strings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {n: s for n, s in SERVICES.items() if s["image"].startswith("sluice-")}
#: Services whose root is writable, and why.
WRITABLE = {"rabbitmq": "keeps its list of plugins beside its configuration"}
#: What the base images and `make_secrets.sh` give.
MOUNTED_AT = "/run/secrets"


def command_of(service: dict[str, Any]) -> list[str]:
    return [*service.get("entrypoint", ["sluice"]), *service["command"]]


def test_compose_follows_the_specification() -> None:
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    validator = Draft202012Validator(json.loads(schema.read_text()))

    assert [f"{e.json_path}: {e.message}" for e in validator.iter_errors(COMPOSE)] == []
    misspelt = {**COMPOSE, "services": {"api": {**SERVICES["api"], "heathcheck": {}}}}
    assert list(validator.iter_errors(misspelt)) != []


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_is_there(name: str) -> None:
    service = SERVICES[name]

    assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    mounted = {volume.partition(":")[0] for volume in service.get("volumes", [])}
    assert mounted <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_waited_for_in_a_way_that_ends(name: str) -> None:
    """`healthy` needs a health check, `completed` a service that ends."""
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        condition = wait["condition"]
        if condition == "service_healthy":
            assert "healthcheck" in SERVICES[other], other
        else:
            assert condition == "service_completed_successfully"
            assert SERVICES[other]["restart"].startswith("on-failure"), other


def test_no_service_waits_for_itself() -> None:
    def above(name: str) -> Iterator[str]:
        for other in SERVICES[name].get("depends_on", {}):
            yield other
            yield from above(other)

    assert [name for name in SERVICES if name in set(above(name))] == []


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_confined(name: str) -> None:
    service = SERVICES[name]

    assert int(service["user"].partition(":")[0]) > 0
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) is (name not in WRITABLE)
    assert set(service["deploy"]["resources"]["limits"]) >= {"cpus", "memory", "pids"}
    assert "restart" in service
    published = [str(port) for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", SERVICES)
def test_images_have_a_pinned_tag(name: str) -> None:
    image = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", SERVICES[name]["image"])
    tag = image.rpartition("/")[2].partition(":")[2]

    assert re.match(r"v?\d+\.\d+", tag), image


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_understood(name: str) -> None:
    words = command_of(OURS[name])
    if name != "buckets":  # tests/infra/docker/test_buckets.py runs it
        parse_command(words)
    probe = OURS[name].get("healthcheck", {}).get("test", ["CMD", "sluice", "doctor"])
    if probe[1] == "sluice":
        parse_command(probe[1:])


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_settings_that_we_take(name, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = make_secrets(tmp_path)
    mounted = OURS[name]["secrets"]
    for secret in secrets.iterdir():
        if secret.name not in mounted:
            secret.unlink()

    settings = load_as_deployed(OURS[name]["environment"], secrets, MOUNTED_AT, monkeypatch)

    if name == "models":  # asks the hub only
        return
    assert not settings.is_embedded
    urls = (settings.database_url, settings.broker_url, settings.qdrant_url, settings.s3_endpoint)
    assert {urlsplit(url).hostname for url in urls} == {"postgres", "rabbitmq", "qdrant", "rustfs"}
    assert settings.qdrant_api_key
    assert bool(settings.webhook_token) is (name == "api")


def test_every_queue_has_a_worker() -> None:
    from infra.queues import parse_queues, queue_names

    for workers in (("prepare", "worker"), ("prepare", "worker-gpu")):
        taken = [parse_command(command_of(OURS[name]))["queues"] for name in workers]
        assert sorted(parse_queues(",".join(taken).split(","))) == sorted(queue_names())


def test_workers_may_finish_before_they_are_killed() -> None:
    from infra.settings import Settings

    grace_s = Settings.model_fields["grace_s"].default
    patience = [int(service["stop_grace_period"].removesuffix("s")) for service in OURS.values()]

    assert min(patience) >= grace_s + 10


def test_servers_get_the_same_secrets_as_their_clients(tmp_path) -> None:
    secrets = make_secrets(tmp_path)
    first = {path.name: path.read_text() for path in secrets.iterdir()}
    make_secrets(tmp_path)

    assert {path.name: path.read_text() for path in secrets.iterdir()} == first
    assert set(first) == set(COMPOSE["secrets"])
    passwords = {name: first[f"{name}_password"].strip() for name in ("postgres", "rabbitmq")}
    assert urlsplit(first["database_url"]).password == passwords["postgres"]
    assert urlsplit(first["broker_url"]).password == passwords["rabbitmq"]
    assert first["s3_secret_key"].strip() in first["aws_credentials"]
    assert len({*passwords.values(), first["qdrant_api_key"].strip()}) == 3
    assert oct(secrets.stat().st_mode & 0o777) == "0o700"


def test_no_secret_is_written_down() -> None:
    names = {name for name in strings(COMPOSE) if re.search(r"PASSWORD|TOKEN|SECRET|API_KEY", name)}
    written = [name for name in names if re.fullmatch(r"[A-Z0-9_]+", name)]

    assert [name for name in written if not name.endswith("_FILE")] == []
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "infra/docker/secrets/" in ignored


def test_events_of_the_bucket_reach_the_api() -> None:
    rustfs, api = SERVICES["rustfs"]["environment"], SERVICES["api"]
    endpoint = urlsplit(rustfs["RUSTFS_NOTIFY_WEBHOOK_ENDPOINT_SLUICE"])
    arn = SERVICES["buckets"]["command"][-1].partition("=")[2]

    assert (endpoint.hostname, endpoint.path) == ("api", "/v1/events")
    assert f"127.0.0.1:8080:{endpoint.port}" in api["ports"]
    assert rustfs["RUSTFS_OUTBOUND_ALLOW_ORIGINS"] == f"http://{endpoint.netloc}"
    # A target is named by the end of its variables, in lower case.
    assert arn == f"arn:rustfs:sqs:{rustfs['RUSTFS_REGION']}:sluice:webhook"
    assert {"backend"} <= set(SERVICES["rustfs"]["networks"]) & set(api["networks"])
