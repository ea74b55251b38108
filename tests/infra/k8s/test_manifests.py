"""The manifests: Kubernetes' own schemas, and what our own processes would refuse."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from infra.queues import parse_queues, queue_names
from infra.settings import Settings
from tests.infra.deployed import ROOT, load_as_deployed, make_secrets, parse_command

FOLDER = ROOT / "infra" / "k8s"
RELEASE = "v1.37.0"
MOUNTED_AT = "/run/secrets/sluice"
Document = dict[str, Any]


def documents(folder: Path) -> list[Document]:
    """What the files of a folder describe."""
    paths = sorted(path for path in folder.glob("*.yaml") if path.name != "kustomization.yaml")
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


BASE = documents(FOLDER / "base")
PULL = [d for d in documents(FOLDER / "overlays" / "gpu") if d["kind"] == "Job"]
ALL = [*BASE, *documents(FOLDER / "overlays" / "gpu")]
#: Resources of operators; the schemas are Kubernetes' own.
KEDA = {"ScaledObject", "TriggerAuthentication"}


def title(document: Document) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def pods(found: list[Document]) -> Iterator[tuple[str, Document]]:
    """Pod templates with the name of what makes them."""
    for document in found:
        if document["kind"] in {"Deployment", "Job"}:
            yield document["metadata"]["name"], document["spec"]["template"]


PODS = dict(pods([*BASE, *PULL]))
WORKERS = ("sluice-prepare", "sluice-worker")


def strict(schema: Any) -> Any:
    """The same schema, refusing fields that it does not know."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


@pytest.fixture(scope="module")
def definitions() -> Registry[Any]:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"{RELEASE}-local"
    schema = strict(json.loads((folder / "_definitions.json").read_text()))
    return Registry().with_resource("definitions", DRAFT202012.create_resource(schema))


def errors(document: Document, definitions: Registry[Any]) -> list[str]:
    group, _, version = document["apiVersion"].rpartition("/")
    package = group.partition(".")[0] or "core"
    name = f"io.k8s.api.{package}.{version}.{document['kind']}"
    schema = {"$ref": f"definitions#/$defs/{name}"}
    found = Draft202012Validator(schema, registry=definitions).iter_errors(document)
    return [f"{title(document)} {error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize("document", ALL, ids=title)
def test_manifests_follow_the_schemas(document: Document, definitions: Registry[Any]) -> None:
    if document["kind"] in KEDA:
        assert document["apiVersion"] == "keda.sh/v1alpha1"
        return
    if document in ALL[len(BASE) :] and document["kind"] == "Deployment":
        return  # a patch; what it makes is looked at below, as a whole
    assert errors(document, definitions) == []


def test_schemas_notice_what_is_misspelt(definitions: Registry[Any]) -> None:
    document = next(d for d in BASE if d["kind"] == "PodDisruptionBudget")
    misspelt = {**document, "spec": {**document["spec"], "maxUnavailible": 1}}

    assert errors(document, definitions) == []
    assert "maxUnavailible" in str(errors(misspelt, definitions))


@pytest.mark.parametrize("overlay", ["base", "overlays/gpu"])
def test_rendered_manifests_follow_the_schemas(overlay: str, definitions: Registry[Any]) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed, which renders overlays")
    done = subprocess.run(
        ["kubectl", "kustomize", FOLDER / overlay], check=True, capture_output=True, text=True
    )
    rendered = list(yaml.safe_load_all(done.stdout))

    assert {title(d) for d in BASE} <= {title(d) for d in rendered}
    assert [e for d in rendered if d["kind"] not in KEDA for e in errors(d, definitions)] == []
    for name, pod in pods(rendered):
        (container,) = pod["spec"]["containers"]
        assert ":" in container["image"], name
        known = {volume["name"] for volume in pod["spec"]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= known
    assert ("nvidia.com/gpu" in done.stdout) is (overlay != "base")


def test_kustomizations_name_every_file() -> None:
    for path in FOLDER.rglob("kustomization.yaml"):
        document = yaml.safe_load(path.read_text())
        patches = [patch["path"] for patch in document.get("patches", []) if "path" in patch]
        named = {*document["resources"], *patches, "kustomization.yaml"}
        assert {p.name for p in path.parent.glob("*.yaml")} <= named
        assert [name for name in named if not (path.parent / name).exists()] == []


# -- what each pod is allowed, and asked --------------------------------------------------------


@pytest.mark.parametrize("name", PODS)
def test_pods_are_confined(name: str) -> None:
    spec = PODS[name]["spec"]
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]}


def test_selectors_match_what_they_select() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in PODS.items()}
    deployments = [d for d in BASE if d["kind"] == "Deployment"]
    for document in deployments:
        selector = document["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels[document["metadata"]["name"]].items()
    for document in BASE:
        selector = document.get("spec", {}).get("selector", {})
        if document["kind"] == "Service":
            assert any(selector.items() <= each.items() for each in labels.values())
        if document["kind"] == "PodDisruptionBudget":
            assert selector["matchLabels"].items() <= labels[document["metadata"]["name"]].items()
    guarded = {d["metadata"]["name"] for d in BASE if d["kind"] == "PodDisruptionBudget"}
    assert guarded == {d["metadata"]["name"] for d in deployments}


def test_service_leads_to_a_port_of_the_api() -> None:
    (service,) = [d for d in BASE if d["kind"] == "Service"]
    (container,) = PODS["sluice-api"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    options = parse_command(["sluice", *container["args"]])

    assert ports[service["spec"]["ports"][0]["targetPort"]] == options["port"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
        assert container[probe]["httpGet"]["path"] in {"/healthz", "/readyz"}


@pytest.mark.parametrize("name", PODS)
def test_commands_and_probes_are_understood(name: str) -> None:
    (container,) = PODS[name]["spec"]["containers"]

    parse_command(["sluice", *container["args"]])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if command := container.get(probe, {}).get("exec", {}).get("command"):
            parse_command(command)


@pytest.mark.parametrize("name", WORKERS)
def test_workers_are_ready_when_they_take_batches_and_never_killed_for_the_database(
    name: str,
) -> None:
    spec = PODS[name]["spec"]
    (container,) = spec["containers"]

    for probe in ("startupProbe", "readinessProbe"):
        assert parse_command(container[probe]["exec"]["command"])["worker"] is True
    assert "livenessProbe" not in container
    grace_s = Settings.model_fields["grace_s"].default
    assert spec["terminationGracePeriodSeconds"] >= grace_s + 10


def test_every_queue_has_a_worker_and_models_are_loaded_before() -> None:
    taken = [PODS[name]["spec"]["containers"][0]["args"] for name in WORKERS]
    options = [parse_command(["sluice", *args]) for args in taken]

    queues = [q for each in options for q in parse_queues(each["queues"].split(","))]
    assert sorted(queues) == sorted(queue_names())
    assert [each["warm"] for each in options] == [False, True]


@pytest.mark.parametrize("name", [name for name in PODS if name != "sluice-models-pull"])
def test_pods_have_settings_that_we_take(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (FOLDER / "base" / "settings.env").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    (container,) = PODS[name]["spec"]["containers"]
    variables |= {each["name"]: each["value"] for each in container.get("env", [])}

    settings = load_as_deployed(variables, make_secrets(tmp_path), MOUNTED_AT, monkeypatch)

    assert not settings.is_embedded
    assert settings.database_url.startswith("postgresql://")
    assert bool(settings.webhook_token) is (name == "sluice-api")


def test_secrets_are_named_and_not_contained() -> None:
    assert [title(d) for d in ALL if d["kind"] == "Secret"] == []
    for name, pod in PODS.items():
        secrets = [v["secret"] for v in pod["spec"]["volumes"] if "secret" in v]
        named = [] if name == "sluice-models-pull" else ["sluice"]
        assert [secret["secretName"] for secret in secrets] == named
