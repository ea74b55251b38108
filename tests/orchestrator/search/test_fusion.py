import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.search.fusion import RRF_K, fuse

rankings = st.dictionaries(
    st.sampled_from(["visual", "dense", "bm25", "audio"]),
    st.lists(st.integers(0, 20), unique=True, max_size=10),
    min_size=1,
)


def test_fuse_scores_by_reciprocal_rank():
    fused = fuse({"dense": ["a", "b"]}, {"dense": 1.0})

    assert fused == {"a": 1 / (RRF_K + 1), "b": 1 / (RRF_K + 2)}


def test_fuse_prefers_what_several_lists_found():
    fused = fuse({"dense": ["a", "c"], "bm25": ["b", "c"]}, {"dense": 1.0, "bm25": 1.0})

    assert max(fused, key=fused.get) == "c"


def test_fuse_counts_lists_by_weight():
    fused = fuse({"visual": ["a"], "dense": ["b"]}, {"visual": 0.3, "dense": 0.7})

    assert fused["b"] > fused["a"]


def test_fuse_of_nothing_is_nothing():
    assert fuse({"dense": []}, {"dense": 1.0}) == {}


@given(rankings)
def test_fuse_scores_every_key_once(lists):
    fused = fuse(lists, dict.fromkeys(lists, 1.0))

    assert set(fused) == {key for keys in lists.values() for key in keys}
    assert all(0 < score <= len(lists) / (RRF_K + 1) for score in fused.values())


@given(rankings)
def test_fuse_does_not_depend_on_the_order_of_lists(lists):
    weights = dict.fromkeys(lists, 1.0)

    backwards = fuse(dict(reversed(lists.items())), weights)

    assert backwards == pytest.approx(fuse(lists, weights))


@given(rankings)
def test_fuse_keeps_the_order_of_a_single_list(lists):
    name, keys = next(iter(lists.items()))

    fused = fuse({name: keys}, {name: 0.5})

    assert sorted(fused, key=fused.get, reverse=True) == keys
