"""A scan of many keys against the bare listing it compares; memory must not grow with the bucket.

The lister makes heads out of nothing, as fast as Python can; the index holds a row for each. One
key in a thousand differs and is looked at. Rates are per second of CPU: both sides wait for nobody
but a local file. `python -m benchmarks.scan 1000000` prints rate and memory.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from benchmarks.figure import Figure
from infra.database import Database, migrate
from infra.memory_store import InMemoryObjectStore
from infra.settings import load_settings
from orchestrator.intake.events import Intake
from orchestrator.intake.scan import Scan
from schemas.asset import ObjectHead, ObjectRef

N_KEYS = 100_000
#: One key in so many differs.
CHANGED_EVERY = 1000
#: The bare side only makes heads; ours also reads rows, merges, compares, looks and saves.
TARGET = 0.05

_BUCKET = "media"
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_FILL_ASSET = """
    INSERT INTO assets (id, tenant, state, visible, priority, plan_version, created_at, updated_at)
    VALUES ('00000000000000000000000000000001', 't', 'pending', 1, 1, 'v', 0, 0)
"""
_FILL = """
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :n_keys)
    INSERT INTO objects (id, tenant, bucket, key, etag, size_bytes, last_modified, generation,
                         asset_id, seen_at, n_looks)
    SELECT printf('%032x', i + 1), 't', 'media', printf('2026/%08d.jpg', i), 'e', 1000, 0,
           CASE WHEN i % :every THEN 'e+1000+2026-01-01T00:00:00+00:00' ELSE 'older' END,
           '00000000000000000000000000000001', 0, 1
    FROM n
"""


class Lister(InMemoryObjectStore):
    """Lists keys that it makes as it goes."""

    def __init__(self, n_keys: int) -> None:
        """Holds nothing."""
        super().__init__()
        self._n_keys = n_keys

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectHead]:
        """Every key in order."""
        del prefix, after
        for n in range(self._n_keys):
            yield self.head(ObjectRef(bucket=bucket, key=f"2026/{n:08}.jpg"))

    def head(self, ref: ObjectRef) -> ObjectHead:
        """The same bytes under every key."""
        return ObjectHead(ref=ref, size_bytes=1000, etag="e", last_modified=_WHEN)


def measure_scan() -> Figure:
    """Keys per second of CPU, scanned and merely listed."""
    report = run_scan(N_KEYS)
    return Figure("scan", report["keys_per_s"], report["listed_per_s"], "keys/CPU s", TARGET)


def run_scan(n_keys: int) -> dict[str, float]:
    """Scan once; rates, and the peak memory of this process."""
    store = Lister(n_keys)
    started_s = time.process_time()
    n_listed = sum(1 for _ in store.list(_BUCKET, ""))
    listed_s = time.process_time() - started_s
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder))
        database = Database(settings.sqlalchemy_url)
        migrate(database)
        with database.session_scope() as session:
            session.execute(text(_FILL_ASSET))
            session.execute(text(_FILL), {"n_keys": n_keys, "every": CHANGED_EVERY})
        before_bytes = _peak_bytes()
        intake = Intake(database, store, settings)
        started_s = time.process_time()
        found = Scan(database, store, intake, "t", f"s3://{_BUCKET}").run()
        scanned_s = time.process_time() - started_s
        database.close()
    expected = -(-n_keys // CHANGED_EVERY)
    if (found.n_listed, found.n_changed) != (n_keys, expected):
        raise AssertionError(f"found {found}, expected {n_keys} listed and {expected} changed")
    return {
        "n_keys": n_listed,
        "keys_per_s": n_keys / scanned_s,
        "listed_per_s": n_keys / listed_s,
        "peak_mb": _peak_bytes() / 1e6,
        "peak_before_mb": before_bytes / 1e6,
    }


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(run_scan(int(sys.argv[1])), indent=2))
