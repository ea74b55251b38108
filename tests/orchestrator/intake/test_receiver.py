"""Messages, verdicts, and what is in the database when a verdict is given."""

import json

import pytest
from sqlalchemy import select

from infra.memory_store import InMemoryObjectStore
from infra.tables import AssetRow, ObjectRow
from orchestrator.intake.events import Intake
from orchestrator.intake.receiver import Receiver, Verdict
from schemas.asset import AssetState
from schemas.errors import ConfigurationError, ObjectForbidden, ObjectStoreUnavailable
from tests.factories import make_ref

TAKEN, MALFORMED, UNANSWERED = Verdict.TAKEN, Verdict.MALFORMED, Verdict.UNANSWERED


class Bucket(InMemoryObjectStore):
    """Counts what it is asked, and refuses what a test says."""

    def __init__(self):
        super().__init__()
        self.asked, self.errors = [], {}

    def head(self, ref):
        self.asked.append(ref.key)
        if error := self.errors.get(ref.key):
            raise error
        return super().head(ref)


@pytest.fixture
def objects():
    return Bucket()


@pytest.fixture
def receiver(database, objects, settings):
    return Receiver(Intake(database, objects, settings), "t")


def message(*keys, event="ObjectCreated:Put", bucket="b"):
    named = [{"bucket": {"name": bucket}, "object": {"key": key}} for key in keys]
    return json.dumps({"Records": [{"eventName": event, "s3": each} for each in named]})


def held(database):
    with database.read_scope() as session:
        rows = select(ObjectRow.key).join(AssetRow, AssetRow.id == ObjectRow.asset_id)
        return sorted(session.scalars(rows.where(AssetRow.state != AssetState.DELETED)))


def put(objects, *keys):
    for key in keys:
        objects.put(make_ref(key=key), key.encode())
    objects.asked.clear()


def test_what_is_taken_is_committed(receiver, objects, database):
    put(objects, "a", "b", "c")

    assert receiver.receive([message("a", "b"), message("c")]) == [TAKEN, TAKEN]

    assert held(database) == ["a", "b", "c"]


def test_one_key_in_many_messages_is_looked_at_once(receiver, objects, database):
    put(objects, "a")

    assert receiver.receive([message("a", "a"), message("a")] * 5) == [TAKEN] * 10

    assert objects.asked == ["a"]


def test_a_thousand_records_are_one_message(receiver, objects, database):
    keys = [f"{n:04}" for n in range(1000)]
    put(objects, *keys)

    assert receiver.receive([message(*keys)]) == [TAKEN]

    assert held(database) == keys


def test_a_message_is_unanswered_if_one_of_its_keys_is(receiver, objects, database):
    put(objects, "a", "b", "c")
    objects.errors = {"b": ObjectStoreUnavailable("503")}

    assert receiver.receive([message("a", "b"), message("c")]) == [UNANSWERED, TAKEN]
    assert held(database) == ["a", "c"]

    objects.errors = {}
    assert receiver.receive([message("a", "b")]) == [TAKEN]
    assert held(database) == ["a", "b", "c"]


def test_deletions_take_what_is_gone_and_leave_what_is_there(receiver, objects, database):
    put(objects, "a", "b")
    receiver.receive([message("a", "b")])
    objects.delete(make_ref(key="a"))

    assert receiver.receive([message("a", "b", event="ObjectRemoved:Delete")]) == [TAKEN]

    assert held(database) == ["b"]


def test_what_may_not_be_read_is_taken_and_left_as_it_is(receiver, objects, database):
    """Delivered again it would be refused again, and a webhook's sender would wait behind it."""
    put(objects, "a")
    receiver.receive([message("a")])
    objects.errors = {"a": ObjectForbidden("403")}

    assert receiver.receive([message("a")]) == [TAKEN]

    assert held(database) == ["a"]


def test_messages_that_say_nothing_are_taken(receiver, objects):
    bodies = ['{"Event": "s3:TestEvent"}', message("a", event="ObjectTagging:Put")]

    assert receiver.receive(bodies) == [TAKEN, TAKEN]
    assert objects.asked == []


def test_a_malformed_message_spares_its_neighbours(receiver, objects, database):
    put(objects, "a")

    assert receiver.receive(["{", message("a")]) == [MALFORMED, TAKEN]
    assert held(database) == ["a"]


def test_only_named_buckets_are_listened_to(database, objects, settings):
    put(objects, "a")
    receiver = Receiver(Intake(database, objects, settings), "t", buckets=frozenset({"other"}))

    assert receiver.receive([message("a")]) == [TAKEN]
    assert objects.asked == []


def test_files_of_this_machine_are_never_looked_at(receiver, objects):
    assert receiver.receive([message("etc/passwd", bucket="file")]) == [TAKEN]
    assert objects.asked == []


def test_a_store_that_refuses_us_takes_nothing(receiver, objects, database):
    put(objects, "a", "b")
    objects.errors = {"a": ConfigurationError("check the credentials")}

    with pytest.raises(ConfigurationError):
        receiver.receive([message("a", "b")])
    assert held(database) == []
