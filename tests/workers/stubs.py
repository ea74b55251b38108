"""Stages that do what the words of their input say, and a pipeline around them.

An input is text; each word of it is one item. Most words are results, some are accidents:

    unreadable   `preprocess` finds the media broken
    poison       `forward` fails for every batch that holds it
    oom          `forward` finds no room for it, however small the batch
    torn         `postprocess` reports a failure of this item alone
    botched      `postprocess` has a defect
    outage       an outside system does not answer
    misset       a setting is wrong
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote

import numpy as np
from sqlalchemy import select, update

from infra.backlog import Backlog
from infra.contents import Contents
from infra.memory_store import InMemoryObjectStore
from infra.tables import AssetRow, FailureRow, JobRow
from infra.vectors.store import VectorStore
from orchestrator.dispatcher import Dispatcher
from orchestrator.intake.events import Intake
from orchestrator.lifecycle import Lifecycle
from orchestrator.sweeper import Sweeper
from schemas.asset import ArtifactKind, ObjectRef
from schemas.errors import (
    ConfigurationError,
    DeviceOutOfMemory,
    EncryptedMedia,
    UnreadableMedia,
    VectorStoreUnavailable,
)
from schemas.job import BatchMessage
from schemas.segment import Page
from tests.factories import make_facts, make_failure, make_segment
from workers.device import Device
from workers.fetch import Fetcher
from workers.leases import LeaseKeeper
from workers.results import ResultStore
from workers.runner import Runner
from workers.stage import ArtifactFile, Item, MemberFile, Output, Prepared, Source, Stage
from workers.stage_cache import StageCache

ACCIDENTS: dict[str, Exception] = {
    "outage": VectorStoreUnavailable("no answer"),
    "misset": ConfigurationError("SLUICE_X: found y"),
}


def embedding(word: str) -> Any:
    """Unit vector of a word; always the same."""
    digits = np.frombuffer(hashlib.sha256(word.encode()).digest()[:4], np.uint8)
    vector = digits.astype(np.float32) + 1
    return vector / np.linalg.norm(vector)


class StubStage(Stage):
    """Reads words from an artifact or from segments; makes a segment and a vector of each."""

    #: Raised by `load` when set.
    refusal: ClassVar[Exception | None] = None
    #: Called with the words of each model batch, on the thread that computes.
    on_forward: ClassVar[Callable[[list[str]], None] | None] = None
    #: Items that the device can hold.
    room: ClassVar[int] = 1000
    #: Model batches that were tried, in order.
    tried: ClassVar[list[list[str]]] = []
    n_loaded: ClassVar[int] = 0

    def load(self, device):
        StubStage.n_loaded += 1
        if self.refusal:
            raise self.refusal

    def preprocess(self, source):
        text = " ".join(s.text or "" for s in source.segments)
        for word in (source.path.read_text() if source.path else text).split():
            if word == "unreadable":
                raise UnreadableMedia(f"{source.ref.uri}: the words are smudged")
            if word in ACCIDENTS:
                raise ACCIDENTS[word]
            yield Item(source=source, payload=word, length=float(len(word)))

    def forward(self, items):
        words = [item.payload for item in items]
        self.tried.append(words)
        if StubStage.on_forward:
            StubStage.on_forward(words)
        if len(items) > self.room or "oom" in words:
            raise DeviceOutOfMemory(f"no room for {len(items)} items")
        if "poison" in words:
            raise ValueError("the model choked on an item")
        return [embedding(word) for word in words]

    def postprocess(self, item, output):
        if item.payload == "torn":
            yield make_failure(message="word is torn", locator=Page(page=1))
        elif item.payload == "botched":
            raise KeyError("botched")
        else:
            yield Output(segment=make_segment(ordinal=0, text=item.payload), embedding=output)


class StubPrepare(Stage):
    """Makes a `view` artifact of the same words; words in brackets become text of its own.

    What `inside(...)` spells becomes a member.
    """

    def load(self, device):
        return

    def preprocess(self, source):
        yield Item(source=source, payload=source.path)

    def forward(self, items):
        return [item.payload.read_bytes() for item in items]

    def postprocess(self, item, output):
        words = output.decode().split()
        members = [_member(item.source, word) for word in words if word.startswith("member:")]
        words = [word for word in words if not word.startswith("member:")]
        if "unreadable-object" in words:
            raise UnreadableMedia(f"{item.source.ref.uri}: not a picture")
        if "locked-object" in words and "secret" not in self.context.passwords:
            raise EncryptedMedia(f"{item.source.ref.uri}: needs a password")
        own = [word.strip("()") for word in words if word.startswith("(")]
        path = item.source.scratch / "view.tar"
        path.write_text(" ".join(word for word in words if not word.startswith("(")))
        facts = make_facts(sha256=hashlib.sha256(output).hexdigest(), size_bytes=len(output))
        texts = {0: [make_segment(ordinal=7, text=word) for word in own]} if own else {}
        view = ArtifactFile(kind=ArtifactKind.VIEW, part=0, path=path)
        yield Prepared(facts=facts, artifacts=[view], texts=texts, members=members)


def inside(name: str, words: str) -> str:
    """A word that makes `StubPrepare` find a member of these words in an object."""
    return f"member:{quote(name, safe='')}:{quote(words, safe='')}"


def _member(source: Source, word: str) -> MemberFile:
    _, name, words = word.split(":")
    path = source.scratch / f"member-{name}"
    path.write_text(unquote(words))
    return MemberFile(name=unquote(name), path=path)


class Pipeline:
    """Intake, dispatcher, worker and sweeper on one thread, with a list as the broker."""

    def __init__(self, database: Any, settings: Any, vectors: VectorStore, **stores: Any) -> None:
        self.database, self.settings, self.vectors = database, settings, vectors
        self.objects = stores.get("objects") or InMemoryObjectStore()
        self.artifacts = stores.get("artifacts") or InMemoryObjectStore()
        self.messages: list[BatchMessage] = []
        self.intake = Intake(database, self.objects, settings)
        self.dispatcher = Dispatcher(database, settings, self.messages.append)
        self.sweeper = Sweeper(database, settings)
        self.lifecycle = Lifecycle(database, vectors, self.artifacts, settings)
        self.leases = LeaseKeeper(database, settings.lease_s)
        self.runner = self.make_runner()

    def make_runner(self, name: str = "w1") -> Runner:
        """A worker process of its own."""
        fetcher = Fetcher(self.database, self.objects, self.artifacts, self.settings)
        results = ResultStore(self.database, self.artifacts, self.vectors, self.settings)
        stages = StageCache(self.settings, Device("cpu"), None)  # type: ignore[arg-type]
        return Runner(
            self.database,
            self.settings,
            fetcher=fetcher,
            results=results,
            stages=stages,
            leases=self.leases,
            name=name,
        )

    def put(self, key: str, words: str, tenant: str = "t") -> Any:
        """Put an object into the bucket and tell; returns its asset."""
        ref = ObjectRef(bucket="b", key=key)
        self.objects.put(ref, words.encode())
        return self.intake.admit(ref, tenant).asset_id

    def dispatch(self) -> list[BatchMessage]:
        """Send what may be sent; returns the messages that wait on the broker."""
        self.dispatcher.dispatch()
        return self.messages

    def dispatch_stage(self, stage: str) -> BatchMessage:
        """Send what may be sent; returns the one message of a stage."""
        self.dispatch()
        (message,) = [m for m in self.messages if m.stage == stage]
        self.messages.remove(message)
        return message

    def work(self) -> None:
        """Run until nothing may be dispatched now."""
        while self.dispatch():
            self.runner.run_batch(self.messages.pop(0))

    def work_to_the_end(self) -> None:
        """Run until nothing is left, without waiting for pauses."""
        while self.dispatch():
            self.work()
            self.skip_pauses()

    def skip_pauses(self) -> None:
        with self.database.session_scope() as session:
            session.execute(update(JobRow).values(not_before=0.0))

    def expire_leases(self) -> None:
        """What time does to the leases of a dead or sleeping worker."""
        with self.database.session_scope() as session:
            session.execute(update(JobRow).values(lease_until=0.0))
        self.sweeper.sweep()

    # -- what became of it -------------------------------------------------------------------

    def asset_state(self, asset_id: Any) -> str:
        with self.database.read_scope() as session:
            return session.get_one(AssetRow, asset_id).state.value

    def job(self, asset_id: Any, stage: str) -> JobRow:
        """The one job of a stage."""
        with self.database.read_scope() as session:
            where = (JobRow.asset_id == asset_id, JobRow.stage == stage)
            return session.scalars(select(JobRow).where(*where)).one()

    def jobs(self, asset_id: Any) -> dict[tuple[str, int], str]:
        with self.database.read_scope() as session:
            rows = session.scalars(select(JobRow).where(JobRow.asset_id == asset_id))
            return {(row.stage, row.part): row.state.value for row in rows}

    def failures(self, asset_id: Any) -> list[tuple[str, str]]:
        with self.database.read_scope() as session:
            rows = session.scalars(select(FailureRow).where(FailureRow.asset_id == asset_id))
            return [(row.stage, row.category) for row in rows]

    def texts(self, asset_id: Any, stage: str) -> list[str | None]:
        with self.database.read_scope() as session:
            return [s.text for _, s in Contents(session).segments(asset_id, stage)]

    def hydrated(self, point_ids: set[Any]) -> set[Any]:
        """Those of the points that search would show."""
        with self.database.read_scope() as session:
            return set(Contents(session).hydrate("t", list(point_ids)))

    def points(self, tenant: str = "t") -> dict[str, set[Any]]:
        """Ids of all points by space."""
        with self.database.read_scope() as session:
            spaces = Contents(session).spaces()
        return {space.name: set(self.vectors.ids(space, tenant)) for space in spaces}

    def n_ready(self, stage: str) -> int:
        with self.database.session_scope() as session:
            version = self.settings.versions[stage]
            return len(Backlog(session).take_ready(stage, version, 100))

    def scratch(self) -> list[Path]:
        """What lies in the scratch folder."""
        folder = self.settings.scratch_dir
        return list(folder.iterdir()) if folder.exists() else []


class Turnstile:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self.n_most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._n_inside += 1
            self.n_most = max(self.n_most, self._n_inside)

    def __exit__(self, *_exc: object) -> None:
        with self._lock:
            self._n_inside -= 1
