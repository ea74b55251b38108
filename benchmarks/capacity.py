"""Constants of docs/scale.md: `python -m benchmarks.capacity` prints them as JSON.

One object of each kind goes through the real stages, with buckets in moto and rows in a private
Postgres. What is counted does not depend on the machine: requests, rows, messages, bytes. The rows
are then multiplied in SQL, for a table of a few rows says nothing of bytes per row.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Uuid, text

from infra.ffmpeg import ffmpeg_binary
from infra.queues import queue_of
from infra.settings import load_settings
from infra.tables import Base
from orchestrator.deps import Deps
from orchestrator.embedded import run_embedded
from orchestrator.ingest import Ingest
from orchestrator.pump import Pump
from schemas.job import BatchMessage, Priority
from schemas.stages import STAGES
from tests import object_stores, services

_SAMPLES = Path(__file__).parents[1] / "demo" / "samples"
#: How often the sample is repeated to make an object of an ordinary size.
N_LOOPS = {"audio": 10, "video": 2}
N_PDF_LOOPS = 4
#: Copies of every row before bytes are counted.
N_COPIES = 300
_TABLES = ("objects", "assets", "artifacts", "segments", "jobs", "job_edges")


def measure(wanted: Sequence[str] = ()) -> dict[str, Any]:
    """Run everything, or some kinds; the document."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        endpoint = running.enter_context(object_stores.run_moto())
        os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        settings = load_settings(
            home=folder / "home",
            database_url=running.enter_context(services.run_postgres()),
            s3_endpoint=endpoint,
            store_url="s3://artifacts/made",
            device="cpu",
            # Copying takes longer than any statement of the program's own.
            database_timeout_s=3600.0,
        )
        deps = running.enter_context(Deps(settings, "capacity"))
        made = {k: path for k, path in make_objects(folder).items() if not wanted or k in wanted}
        requests = run_embedded(deps, lambda pump: ingest_each(deps, pump, endpoint, made))
        kinds = {kind: {**facts_of(deps, kind), "requests": requests[kind]} for kind in made}
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, device {deps.worker.device.name}",
            "kinds": kinds,
            "spaces": spaces_of(deps),
            "message_bytes": message_bytes(),
            "bytes_per_row": bytes_per_row(deps),
        }


def make_objects(folder: Path) -> dict[str, Path]:
    """One object of each kind."""
    made = {"image": _SAMPLES / "circle-above-square.jpg", "document": folder / "guide.pdf"}
    _repeat_pages(_SAMPLES / "guide.pdf", made["document"])
    for kind, name in (("audio", "talk.flac"), ("video", "lesson.mp4")):
        made[kind] = folder / name
        loops = ["-stream_loop", str(N_LOOPS[kind] - 1), "-i", str(_SAMPLES / name)]
        copy = [] if kind == "audio" else ["-c", "copy"]
        command = [ffmpeg_binary(), "-v", "error", *loops, *copy, str(made[kind])]
        subprocess.run(command, check=True)
    return made


def _repeat_pages(source: Path, target: Path) -> None:
    from pypdfium2 import PdfDocument

    with PdfDocument(source) as one, PdfDocument.new() as many:
        for _ in range(N_PDF_LOOPS):
            many.import_pages(one)
        many.save(target)


def ingest_each(
    deps: Deps, pump: Pump, endpoint: str, made: dict[str, Path]
) -> dict[str, dict[str, int]]:
    """Ingest one kind after the other; requests to the object store of each, by operation."""
    from boto3.session import Session
    from botocore.client import BaseClient

    client = Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
    for bucket in ("media", "artifacts"):
        client.create_bucket(Bucket=bucket)
    counted: Counter[str] = Counter()
    call: Callable[..., Any] = BaseClient._make_api_call  # noqa: SLF001

    def count(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        counted[f"{arguments.get('Bucket')}.{operation}"] += 1
        return call(client, operation, arguments)

    found = {}
    for kind, path in made.items():
        client.upload_file(str(path), "media", f"{kind}/{path.name}")
        BaseClient._make_api_call = count  # noqa: SLF001
        ingest = Ingest(
            deps.database,
            deps.objects,
            deps.intake,
            deps.settings,
            tenant="default",
            priority=Priority.NORMAL,
        )
        counted.clear()
        report = ingest.run([f"s3://media/{kind}/"], pump, lambda _counts: None)
        BaseClient._make_api_call = call  # noqa: SLF001
        states = [asset.state for asset in report.assets]
        print(f"{kind}: {states} in {report.seconds:.0f} s", file=sys.stderr)
        found[kind] = dict(sorted(counted.items()))
    client.close()
    return found


def facts_of(deps: Deps, kind: str) -> dict[str, Any]:
    """Rows, bytes, points and messages of the one asset of a kind."""
    asset = "(SELECT asset_id FROM objects WHERE key LIKE :kind)"
    queries = {
        "object_bytes": "SELECT size_bytes FROM objects WHERE key LIKE :kind",
        "artifact_bytes": f"SELECT sum(size_bytes) FROM artifacts WHERE asset_id = {asset}",
        "artifacts": f"SELECT count(*) FROM artifacts WHERE asset_id = {asset}",
        "segments": f"SELECT count(*) FROM segments WHERE asset_id = {asset}",
        "jobs": f"SELECT count(*) FROM jobs WHERE asset_id = {asset}",
        "job_edges": f"""SELECT count(*) FROM job_edges JOIN jobs ON jobs.id = job_id
                         WHERE asset_id = {asset}""",
    }
    costs = f"SELECT stage, sum(cost) AS cost FROM jobs WHERE asset_id = {asset} GROUP BY stage"
    points = f"SELECT stage, count(*) AS n FROM segments WHERE asset_id = {asset} GROUP BY stage"
    facts = f"SELECT facts FROM assets WHERE id = {asset}"
    with deps.database.read_scope() as session:
        given = {"kind": f"{kind}/%"}
        found = {name: int(session.scalar(text(q), given) or 0) for name, q in queries.items()}
        cost_of = {row.stage: row.cost for row in session.execute(text(costs), given)}
        told = session.scalar(text(facts), given) or {}
        return {
            **found,
            "n_pages": told.get("n_pages"),
            "duration_s": told.get("duration_s"),
            "segments_by_stage": {row.stage: row.n for row in session.execute(text(points), given)},
            # In full batches, as when much waits.
            "messages": sum(cost / STAGES[stage].batch_cost for stage, cost in cost_of.items()),
        }


def spaces_of(deps: Deps) -> dict[str, int]:
    """Numbers of one vector, by space."""
    with deps.database.read_scope() as session:
        rows = session.execute(text("SELECT name, embedding_dim FROM spaces")).all()
    return {row.name: row.embedding_dim for row in rows}


def message_bytes() -> dict[str, int]:
    """Body of a message with one job, and what each further one adds."""
    from uuid import UUID

    ids = [UUID(int=n) for n in range(2)]
    sizes = [
        len(
            BatchMessage(
                batch_id=ids[0],
                stage="transcribe",
                version="0" * 12,
                priority=Priority.NORMAL,
                job_ids=tuple(ids[:n]),  # type: ignore[arg-type]
            ).model_dump_json()
        )
        for n in (1, 2)
    ]
    return {
        "first_job": sizes[0] + len(queue_of("ocr", Priority.NORMAL)),
        "next_job": sizes[1] - sizes[0],
    }


def bytes_per_row(deps: Deps) -> dict[str, dict[str, float]]:
    """Bytes of one row in its table and in all its indexes, after many copies."""
    with deps.database.session_scope() as session:
        # Copies refer to copies; asking for each would take minutes.
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for table in Base.metadata.sorted_tables:
            if table.name in _TABLES:
                columns = ", ".join(f'"{column.name}"' for column in table.columns)
                values = ", ".join(_copied(column) for column in table.columns)
                statement = f"""INSERT INTO {table.name} ({columns}) SELECT {values}
                                FROM {table.name}, generate_series(1, :n_copies) AS n"""
                session.execute(text(statement), {"n_copies": N_COPIES})
    return {name: _size(deps, name) for name in _TABLES}


def _copied(column: Any) -> str:
    """The column's value in the n-th copy: names and ids are other ones."""
    name = f'"{column.name}"'
    if isinstance(column.type, Uuid):
        return f"md5({name}::text || n)::uuid"
    return f"{name} || '-' || n" if column.name in {"key", "sha256"} else name


def _size(deps: Deps, table: str) -> dict[str, float]:
    query = f"""SELECT (SELECT count(*) FROM {table}) AS n_rows,
                       pg_table_size('{table}') AS table_bytes,
                       pg_indexes_size('{table}') AS index_bytes"""
    with deps.database.read_scope() as session:
        row = session.execute(text(query)).one()
    sizes = {"table": row.table_bytes / row.n_rows, "indexes": row.index_bytes / row.n_rows}
    return {"n_rows": row.n_rows, **{name: round(size) for name, size in sizes.items()}}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:]), indent=2))
