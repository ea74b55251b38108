"""A cluster of real processes: orchestrator, API, two workers, and the servers they need.

Postgres, RabbitMQ and Redis are the real ones. S3 and SQS are moto's server over HTTP; Qdrant is
the double of `tests/qdrant_double.py`.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests import services

SLUICE = str(Path(sys.executable).with_name("sluice"))
BUCKET, ARTIFACTS, QUEUE = "media", "derived", "events"
#: Longest wait for anything; a machine that is busy otherwise takes minutes to load a model.
PATIENCE_S = 600.0


class Cluster:
    """Where the processes find everything, and what a user of them does."""

    def __init__(self, env: dict[str, str], s3: Any, sqs: Any, api_url: str) -> None:
        self.env = env
        self.s3 = s3
        self.sqs = sqs
        self._api_url = api_url

    def put(self, files: dict[str, bytes]) -> None:
        """Upload as any program does."""
        for key, content in files.items():
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def listen(self, *, on: bool) -> None:
        """Have the bucket tell of its objects, or not."""
        arn = self.sqs.get_queue_attributes(
            QueueUrl=self.env["SLUICE_SQS_URL"], AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        told = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": told if on else []}
        )

    def run(self, *args: str, expect: int = 0) -> Any:
        """Run a command with --json to its end; its document."""
        done = subprocess.run(
            [SLUICE, *args, "--json"],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads(done.stdout)

    def search(self, text: str) -> list[str]:
        """URIs of the hits, best first, from the API."""
        request = urllib.request.Request(
            f"{self._api_url}/v1/search",
            data=json.dumps({"text": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return [hit["uri"] for hit in json.load(answer)["hits"]]

    def await_ready(self, n_assets: int) -> None:
        """Wait until so many assets are at rest; all of them must be ready."""
        wait_for(lambda: sum(self._at_rest().values()) == n_assets, self._report)
        assert self._at_rest() == {"ready": n_assets}, self._report()

    def _at_rest(self) -> dict[str, int]:
        assets: dict[str, int] = self.run("status")["assets"]
        moving = ("pending", "processing")
        return {state: n for state, n in assets.items() if state not in moving}

    def _report(self) -> str:
        return json.dumps(self.run("status"), indent=1)


def wait_for(holds: Callable[[], bool], report: Callable[[], str]) -> None:
    """Wait until something holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, report()
        time.sleep(0.5)


@contextmanager
def run_cluster(home: Path, database_url: str, broker_url: str) -> Iterator[Cluster]:
    """Start all processes; they are stopped by SIGTERM at the end, and must end well."""
    with ExitStack() as running:
        s3_port, qdrant_port, api_port = (services.free_port() for _ in range(3))
        for command, port in (
            (["-m", "moto.server", "-p", str(s3_port)], s3_port),
            (["-m", "tests.qdrant_double", str(qdrant_port + 1)], qdrant_port + 1),
        ):
            log = home / f"{command[1]}.log"
            ready = lambda port=port: services.is_listening(port)  # noqa: E731
            running.enter_context(services.server([sys.executable, *command], log, ready))
        env = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "OMP_NUM_THREADS": "1",
            "SLUICE_HOME": str(home / "home"),
            "SLUICE_DATABASE_URL": database_url,
            "SLUICE_BROKER_URL": broker_url,
            "SLUICE_QDRANT_URL": f"http://127.0.0.1:{qdrant_port}",
            "SLUICE_S3_ENDPOINT": f"http://127.0.0.1:{s3_port}",
            "SLUICE_STORE_URL": f"s3://{ARTIFACTS}/made",
            "SLUICE_API_PORT": str(api_port),
            "SLUICE_DEVICE": "cpu",
            "SLUICE_N_THREADS": "1",
            "SLUICE_HEARTBEAT_S": "2",
            "SLUICE_LOG_LEVEL": "INFO",
        }
        cluster = _prepare(env, s3_port, f"http://127.0.0.1:{api_port}")
        text_queues = "prepare,embed_text"
        other_queues = "ocr,caption,transcribe,embed_visual,embed_audio"
        parts = {
            "orchestrator": (["orchestrator"], "orchestrating"),
            "api": (["up"], "serving"),
            "worker-1": (["worker", "--queues", text_queues], "takes"),
            "worker-2": (["worker", "--queues", other_queues], "takes"),
        }
        for name, (args, said) in parts.items():
            log = home / f"{name}.log"
            is_ready = lambda log=log, said=said: said in log.read_text()  # noqa: E731
            started = services.server([SLUICE, *args], log, is_ready, env=env)
            running.enter_context(started)
        yield cluster


def _prepare(env: dict[str, str], s3_port: int, api_url: str) -> Cluster:
    from boto3.session import Session

    session = Session("test", "test", region_name="us-east-1")
    endpoint = f"http://127.0.0.1:{s3_port}"
    s3, sqs = (session.client(name, endpoint_url=endpoint) for name in ("s3", "sqs"))
    for bucket in (BUCKET, ARTIFACTS):
        s3.create_bucket(Bucket=bucket)
    env["SLUICE_SQS_URL"] = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    cluster = Cluster(env, s3, sqs, api_url)
    cluster.listen(on=True)
    return cluster
