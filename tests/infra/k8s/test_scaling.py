"""The questions that KEDA asks the database, on a real one."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from infra.backlog import Backlog
from infra.ledger import Ledger
from infra.queues import parse_queues
from schemas.job import JobState
from schemas.stages import STAGES
from tests.factories import make_plan, plant_asset
from tests.infra.deployed import parse_command
from tests.infra.k8s.test_manifests import BASE, PODS, Document

SCALED = {d["metadata"]["name"]: d for d in BASE if d["kind"] == "ScaledObject"}
N_READY = 3


def trigger_of(document: Document) -> dict[str, Any]:
    (trigger,) = document["spec"]["triggers"]
    assert trigger["type"] == "postgresql"
    metadata: dict[str, Any] = trigger["metadata"]
    return metadata


def stages_of(name: str) -> set[str]:
    """Stages whose batches the pods of this name take."""
    (container,) = PODS[name]["spec"]["containers"]
    queues = parse_queues(parse_command(["sluice", *container["args"]])["queues"].split(","))
    return {spec.name for spec in STAGES.values() if f"{spec.queue}.normal" in queues}


#: KEDA asks no other.
on_postgres = pytest.mark.parametrize("any_database", ["postgresql"], indirect=True)


def ask(any_database, name: str) -> int:
    with any_database.read_scope() as session:
        found: int = session.scalar(text(trigger_of(SCALED[name])["query"]))
        return found


def plant(any_database, stage: str, n_jobs: int) -> list[Any]:
    with any_database.session_scope() as session:
        plans = [make_plan(stage=stage, version="v", part=part) for part in range(n_jobs)]
        plant_asset(session, plans)
        return Backlog(session).take_ready(stage, "v", n_jobs)


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("stage", STAGES)
@on_postgres
def test_scaler_counts_the_work_of_its_own_stages(any_database, name: str, stage: str) -> None:
    plant(any_database, stage, N_READY)

    assert ask(any_database, name) == (N_READY if stage in stages_of(name) else 0)


@pytest.mark.parametrize("name", SCALED)
@on_postgres
def test_work_under_way_counts_until_it_is_done(any_database, name: str) -> None:
    jobs = plant(any_database, min(stages_of(name)), N_READY)
    ids = [job.job_id for job in jobs]
    with any_database.session_scope() as session:
        Backlog(session).dispatch(ids, uuid4())
    assert ask(any_database, name) == N_READY

    with any_database.session_scope() as session:
        assert len(Ledger(session).claim(ids, "worker", lease_s=60.0)) == N_READY
    assert ask(any_database, name) == N_READY

    with any_database.session_scope() as session:
        session.execute(text("UPDATE jobs SET state = :done"), {"done": JobState.DONE.value})
    assert ask(any_database, name) == 0


@pytest.mark.parametrize("name", SCALED)
@on_postgres
def test_no_more_is_counted_than_the_most_replicas_need(any_database, name: str) -> None:
    spec, trigger = SCALED[name]["spec"], trigger_of(SCALED[name])
    most = spec["maxReplicaCount"] * int(trigger["targetQueryValue"])
    plant(any_database, min(stages_of(name)), most + 100)

    assert ask(any_database, name) == most


@pytest.mark.parametrize("name", SCALED)
@on_postgres
def test_partial_indexes_answer(any_database, name: str) -> None:
    plant(any_database, min(stages_of(name)), 10)
    with any_database.session_scope() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        explained = session.execute(text(f"EXPLAIN {trigger_of(SCALED[name])['query']}"))
        plan = "\n".join(row[0] for row in explained)

    assert "ix_jobs_ready" in plan
    assert "ix_jobs_in_flight" in plan
    assert "Seq Scan" not in plan


def test_every_worker_is_scaled_and_its_database_is_named() -> None:
    targets = {d["spec"]["scaleTargetRef"]["name"] for d in SCALED.values()}
    (authentication,) = [d for d in BASE if d["kind"] == "TriggerAuthentication"]

    assert targets == {"sluice-prepare", "sluice-worker"} == set(SCALED)
    for document in SCALED.values():
        (trigger,) = document["spec"]["triggers"]
        assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    (given,) = authentication["spec"]["secretTargetRef"]
    assert given == {"parameter": "connection", "name": "sluice", "key": "database_url"}
