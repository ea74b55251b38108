"""Reports say whether both ends are the same."""

import pytest

from schemas.move import ArtifactsReport, CollectionReport, TableReport


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"n_target": 1}, False), ({"digest_target": "b"}, False)],
)
def test_table_is_same_by_count_and_digest(change, same):
    fields = {"n_source": 2, "n_target": 2, "digest_source": "a", "digest_target": "a"}

    assert TableReport(name="jobs", **{**fields, **change}).is_same is same


@pytest.mark.parametrize("field", ["n_missing", "n_extra", "n_different"])
def test_any_difference_of_points_or_objects_counts(field):
    assert not CollectionReport(name="c", n_source=1, **{field: 1}).is_same
    assert not ArtifactsReport(**{field: 1}).is_same
    assert not ArtifactsReport(n_lost=1).is_same
    assert CollectionReport(name="c", n_source=1).is_same
