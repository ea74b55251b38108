"""Items of many jobs through one model, whatever some of them do."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import DeviceOutOfMemory, UnreadableMedia, VectorStoreUnavailable
from tests.factories import make_job, make_ref, make_segment
from workers.batch import JobRun
from workers.model_batches import compute
from workers.stage import Item, Output, Source, Stage


class Scripted(Stage):
    """Squares numbers; an exception among the numbers of a source is raised when it is reached."""

    def __init__(self, *, room=1000, cursed=()):
        self.room, self.cursed = room, cursed
        self.batches = []
        self.n_read = 0

    def load(self, device):
        raise NotImplementedError

    def preprocess(self, source):
        for number in source.created_at_s:  # the numbers, on their way as an unused field
            if isinstance(number, Exception):
                raise number
            self.n_read += 1
            yield Item(source=source, payload=number, length=float(number))

    def forward(self, items):
        numbers = [item.payload for item in items]
        self.batches.append(numbers)
        if len(numbers) > self.room:
            raise DeviceOutOfMemory("full")
        if not self.cursed.isdisjoint(numbers):
            raise ValueError("cursed")
        return [number**2 for number in numbers]

    def postprocess(self, item, output):
        yield Output(segment=make_segment(text=f"{item.payload}:{output}"))


def run_of(*numbers):
    job = make_job()
    source = Source(job=job, scratch=None, ref=make_ref(), created_at_s=numbers)
    return JobRun(job=job, scratch=None, source=source)


def work(stage, runs, model_batch=4):
    compute(stage, runs, model_batch, nullcontext())
    return [[o.segment.text for o in run.outputs()] for run in runs]


def expected(*numbers):
    return [f"{n}:{n**2}" for n in numbers]


def scripted(**knobs):
    return Scripted(**{**knobs, "cursed": frozenset(knobs.get("cursed", ()))})


def test_results_are_in_the_order_of_the_items():
    assert work(scripted(), [run_of(3, 1, 2), run_of(9, 0)]) == [expected(3, 1, 2), expected(9, 0)]


def test_items_of_many_jobs_fill_a_model_batch():
    stage = scripted()

    work(stage, [run_of(n) for n in range(8)])

    assert [len(batch) for batch in stage.batches] == [4, 4]


def test_items_of_like_length_travel_together():
    stage = scripted()

    work(stage, [run_of(9, 1, 8, 2), run_of(3, 7, 4, 6)])

    assert stage.batches == [[1, 2, 3, 4], [6, 7, 8, 9]]


def test_items_are_read_only_as_they_are_needed():
    stage = scripted()
    read_at_first_forward = []
    forward = stage.forward
    stage.forward = lambda items: (read_at_first_forward.append(stage.n_read), forward(items))[1]

    work(stage, [run_of(*range(1000))])

    assert read_at_first_forward[0] == 16


def test_job_that_cannot_be_read_drops_its_own_items_only():
    torn = run_of(1, 2, UnreadableMedia("torn"), 3)
    good = run_of(5)

    results = work(scripted(), [torn, good])

    assert isinstance(torn.error, UnreadableMedia)
    assert results[1] == expected(5)


def test_job_that_cannot_be_begun_drops_only_itself():
    class Refusing(Scripted):
        def preprocess(self, source):
            if source.created_at_s[0] == 0:
                raise KeyError("not even begun")
            return super().preprocess(source)

    bad, good = run_of(0), run_of(5)

    results = work(Refusing(cursed=frozenset()), [bad, good])

    assert isinstance(bad.error, KeyError)
    assert results == [[], expected(5)]


def test_job_that_is_blamed_already_is_not_read():
    blamed = run_of(1)
    blamed.error = KeyError("before")
    stage = scripted()

    assert work(stage, [blamed, run_of(2)])[1] == expected(2)
    assert stage.n_read == 1


def test_job_without_items_has_no_results():
    assert work(scripted(), [run_of(), run_of(2)]) == [[], expected(2)]


def test_job_that_failed_is_not_computed_further():
    stage = scripted(cursed={1})
    bad = run_of(1, *range(100, 120))

    work(stage, [bad], model_batch=1)

    assert isinstance(bad.error, ValueError)
    assert stage.batches == [[1]]


def test_full_device_splits_the_batch_and_loses_nothing():
    stage = scripted(room=3)

    assert work(stage, [run_of(*range(8))], model_batch=8) == [expected(*range(8))]
    assert [len(batch) for batch in stage.batches] == [8, 4, 2, 2, 4, 2, 2]


def test_item_that_never_fits_is_its_own_jobs_fault():
    huge, good = run_of(1), run_of(2)

    work(scripted(room=0), [huge, good])

    assert isinstance(huge.error, DeviceOutOfMemory)
    assert isinstance(good.error, DeviceOutOfMemory)


def test_outage_while_computing_blames_nobody():
    runs = [run_of(1, VectorStoreUnavailable("down")), run_of(2)]

    with pytest.raises(VectorStoreUnavailable):
        work(scripted(), runs)

    assert [run.error for run in runs] == [None, None]


def test_outage_on_the_device_blames_nobody():
    class Down(Scripted):
        def forward(self, items):
            raise VectorStoreUnavailable("down")

    runs = [run_of(1)]

    with pytest.raises(VectorStoreUnavailable):
        work(Down(), runs)

    assert runs[0].error is None


def test_model_that_returns_too_few_outputs_is_our_defect():
    class Short(Scripted):
        def forward(self, items):
            return super().forward(items)[1:]

    with pytest.raises(ValueError, match="zip"):
        work(Short(cursed=frozenset()), [run_of(1, 2)])


@given(
    st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=6),
    st.sets(st.integers(0, 40), max_size=4),
    st.integers(1, 8),
    st.integers(1, 8),
)
def test_only_the_guilty_suffer(sources, cursed, model_batch, room):
    runs = [run_of(*numbers) for numbers in sources]

    results = work(scripted(cursed=cursed, room=room), runs, model_batch)

    for numbers, run, result in zip(sources, runs, results, strict=True):
        if cursed.isdisjoint(numbers):
            assert (run.error, result) == (None, expected(*numbers))
        else:
            assert isinstance(run.error, ValueError)
