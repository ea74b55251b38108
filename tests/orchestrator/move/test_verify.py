"""What differs, in words."""

from orchestrator.move.verify import differences
from schemas.move import ArtifactsReport, CollectionReport, TableReport

SAME = TableReport(name="jobs", n_source=2, n_target=2, digest_source="a", digest_target="a")
EQUAL = CollectionReport(name="text__1", n_source=3, n_target=3)
WHOLE = ArtifactsReport(n_source=1, n_target=1)


def test_same_ends_have_no_differences():
    assert list(differences((SAME,), (EQUAL,), WHOLE)) == []


def test_each_difference_is_one_line_that_names_the_place():
    changed = SAME.model_copy(update={"digest_target": "b"})
    fewer = SAME.model_copy(update={"name": "assets", "n_target": 1})
    points = EQUAL.model_copy(update={"n_missing": 2, "n_extra": 1, "examples": ("id-1", "id-2")})
    objects = WHOLE.model_copy(update={"n_different": 1, "n_lost": 4, "examples": ("t/a/x",)})

    assert list(differences((changed, fewer), (points,), objects)) == [
        "table jobs: 2 rows here, 2 there, digests differ",
        "table assets: 2 rows here, 1 there, digests differ",
        "collection text__1: 2 missing there, 1 there only: id-1, id-2",
        "artifacts: 1 different, 4 lost before the move: t/a/x",
    ]
