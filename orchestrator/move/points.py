"""Points of one space from one engine to another, and whether both hold the same."""

from collections.abc import Callable, Iterator
from uuid import UUID

import numpy as np

from infra.vectors.store import OwnedPoint, Space, Sparse, VectorStore
from schemas.move import CollectionReport

#: Each engine normalises what it stores, so a vector may differ in its last bits: by this in one
#: dimension. A point that means something else differs by far more.
TOLERANCE = 1e-6
#: Points that a report names.
_N_EXAMPLES = 5


def copy_points(
    source: VectorStore,
    target: VectorStore,
    space: Space,
    *,
    after: UUID | None,
    on_page: Callable[[UUID, int], None],
) -> None:
    """Write every point of a space to the target; points that are there are written over.

    Args:
        source: what is read, page by page in the order of ids.
        target: the collection is made where absent.
        space: of both.
        after: the last point of an earlier run that the target has confirmed.
        on_page: told the last id and the number of points of each page, once it is confirmed.
    """
    target.ensure(space)
    for page in source.scan(space, after):
        if page:
            target.put(space, page)
            on_page(page[-1].point.id, len(page))


def compare_points(
    source: VectorStore, target: VectorStore, space: Space, on_points: Callable[[int], None]
) -> CollectionReport:
    """Read both sides at once, in the order of ids, and compare point by point."""
    n_source = n_target = n_missing = n_extra = n_different = 0
    examples: list[str] = []
    for ours, theirs in _pairs(_points(source, space, on_points), _points(target, space)):
        n_source += ours is not None
        n_target += theirs is not None
        if theirs is None:
            n_missing += 1
        elif ours is None:
            n_extra += 1
        elif is_same_point(ours, theirs):
            continue
        else:
            n_different += 1
        examples += [str(each.point.id) for each in (ours or theirs,) if each]
        del examples[_N_EXAMPLES:]
    return CollectionReport(
        name=space.collection,
        n_source=n_source,
        n_target=n_target,
        n_missing=n_missing,
        n_extra=n_extra,
        n_different=n_different,
        examples=tuple(examples),
    )


def is_same_point(ours: OwnedPoint, theirs: OwnedPoint) -> bool:
    """Whether two points of one id answer every query alike."""
    a, b = ours.point, theirs.point
    return (
        (ours.tenant, a.payload) == (theirs.tenant, b.payload)
        and a.dense.shape == b.dense.shape
        and float(np.abs(a.dense - b.dense).max(initial=0.0)) <= TOLERANCE
        and _terms(a.sparse) == _terms(b.sparse)
    )


def _terms(sparse: Sparse | None) -> dict[int, float] | None:
    """Weights by term, as engines store them: float32."""
    if sparse is None:
        return None
    values = np.asarray(sparse.values, np.float32).tolist()
    return dict(zip(sparse.indices, values, strict=True))


def _points(
    store: VectorStore, space: Space, on_points: Callable[[int], None] = lambda _n: None
) -> Iterator[OwnedPoint]:
    for page in store.scan(space):
        yield from page
        on_points(len(page))


def _pairs(
    left: Iterator[OwnedPoint], right: Iterator[OwnedPoint]
) -> Iterator[tuple[OwnedPoint | None, OwnedPoint | None]]:
    """Points of equal ids together, every other one alone; both sides are in the order of ids."""
    ours, theirs = next(left, None), next(right, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours.point.id < theirs.point.id):
            yield ours, None
            ours = next(left, None)
        elif ours is None or theirs.point.id < ours.point.id:
            yield None, theirs
            theirs = next(right, None)
        else:
            yield ours, theirs
            ours, theirs = next(left, None), next(right, None)
