import pytest

from schemas.errors import (
    ConfigurationError,
    LeaseLost,
    UnreadableMedia,
    VectorStoreUnavailable,
)
from tests.factories import make_facts, make_failure, make_job, make_segment
from workers.batch import JobRun, Stopwatch, Trial, blame
from workers.stage import Output, Prepared


@pytest.fixture
def run(tmp_path):
    return JobRun(job=make_job(part=3), scratch=tmp_path)


def output(text):
    return Output(segment=make_segment(ordinal=0, text=text))


@pytest.mark.parametrize("error", [UnreadableMedia("torn"), LeaseLost("gone"), KeyError("x")])
def test_blame_notes_what_one_job_did(error):
    trial = Trial()

    with blame(trial):
        raise error

    assert trial.error is error


@pytest.mark.parametrize(
    "error", [VectorStoreUnavailable("down"), ConfigurationError("wrong"), KeyboardInterrupt()]
)
def test_blame_lets_pass_what_no_job_did(error):
    trial = Trial()

    with pytest.raises(type(error)), blame(trial):
        raise error

    assert trial.error is None


def test_blame_of_success_is_nothing():
    trial = Trial()

    with blame(trial):
        pass

    assert trial.error is None


def test_run_is_alive_until_it_is_blamed(run):
    assert run.is_alive
    run.error = KeyError("x")
    assert not run.is_alive


def test_outputs_are_numbered_in_order(run):
    run.results = [output("a"), make_failure(), output("b")]

    assert [(o.segment.ordinal, o.segment.text) for o in run.outputs()] == [(0, "a"), (1, "b")]
    assert run.failures == [make_failure()]
    assert [segment.text for segment in run.segments()[3]] == ["a", "b"]


def test_run_without_results_has_an_empty_part(run):
    assert run.segments() == {3: []}
    assert (run.outputs(), run.failures, run.prepared) == ([], [], None)


def test_prepared_text_is_numbered_in_each_part(run):
    texts = {
        0: [make_segment(ordinal=9, text="a")],
        2: [make_segment(text="b"), make_segment(text="c")],
    }
    torn = make_failure(stage="prepare")
    run.results = [Prepared(facts=make_facts(), texts=texts, failures=[torn])]

    numbered = {part: [s.ordinal for s in segments] for part, segments in run.segments().items()}
    assert numbered == {0: [0], 2: [0, 1]}
    assert run.failures == [torn]


def test_stopwatch_shares_seconds_by_cost(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr("workers.batch.time.monotonic", lambda: now_s)
    long, short = make_job(cost=30.0), make_job(cost=10.0)
    stopwatch = Stopwatch([long, short])

    now_s += 8.0

    assert (stopwatch.share_s(long), stopwatch.share_s(short)) == (6.0, 2.0)


def test_stopwatch_of_work_that_costs_nothing_does_not_divide_by_it():
    job = make_job(cost=0.0)

    assert Stopwatch([job]).share_s(job) == 0.0
