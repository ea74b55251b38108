import threading

import pytest

from infra.memory_store import InMemoryObjectStore
from orchestrator.intake.heads import ask
from schemas.errors import (
    ConfigurationError,
    ObjectForbidden,
    ObjectNotFound,
    ObjectStoreUnavailable,
)
from tests.factories import make_ref


class Moody(InMemoryObjectStore):
    """Raises what a test put under a key."""

    def __init__(self):
        super().__init__()
        self.errors = {}

    def head(self, ref):
        if error := self.errors.get(ref.key):
            raise error
        return super().head(ref)


def test_every_key_gets_its_own_answer():
    store = Moody()
    store.errors = {"f": ObjectForbidden("no"), "u": ObjectStoreUnavailable("503")}
    head = store.put(make_ref(key="a"), b"1")
    refs = {key: make_ref(key=key) for key in "afug"}

    answers = ask(store, list(refs.values()))

    assert answers[refs["a"]] == head
    assert answers[refs["f"]] is store.errors["f"]
    assert answers[refs["u"]] is store.errors["u"]
    assert type(answers[refs["g"]]) is ObjectNotFound


def test_keys_are_asked_for_side_by_side():
    both = threading.Barrier(2, timeout=5)

    class Slow(InMemoryObjectStore):
        def head(self, ref):
            both.wait()
            return super().head(ref)

    store = Slow()
    answers = ask(store, [make_ref(key="a"), make_ref(key="b")])

    assert {type(answer) for answer in answers.values()} == {ObjectNotFound}


@pytest.mark.parametrize("keys", ["a", "ab"])
def test_a_store_that_refuses_us_is_nobodys_answer(keys):
    store = Moody()
    store.errors = {"a": ConfigurationError("check the credentials")}

    with pytest.raises(ConfigurationError):
        ask(store, [make_ref(key=key) for key in keys])


def test_nothing_is_asked_of_nothing():
    assert ask(Moody(), []) == {}
