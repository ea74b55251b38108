"""Items of many jobs through one model: full batches, split when one of them cannot run."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from workers.batch import JobRun, Trial, blame
from workers.stage import Item, Stage

#: Model batches whose items are sorted by length together: little padding, bounded memory.
_SORT_BATCHES = 4

#: Held while the device computes, so that overlapping batches take turns.
DeviceLock = AbstractContextManager[Any]


def compute(stage: Stage, runs: Sequence[JobRun], model_batch: int, device: DeviceLock) -> None:
    """Run a stage over the sources of a batch; results and errors land in the runs.

    Items are read lazily, so that memory is bounded by a few model batches whatever the batch
    holds. A job that fails drops its own items only.

    Raises:
        TransientError: an outside system is in trouble; no job is to blame.
    """
    items = _items(stage, runs)
    while window := list(islice(items, model_batch * _SORT_BATCHES)):
        order = sorted(range(len(window)), key=lambda i: window[i][1].length)
        outputs: dict[int, Any] = {}
        for first in range(0, len(order), model_batch):
            chunk = [i for i in order[first : first + model_batch] if window[i][0].is_alive]
            results = _forward(stage, [window[i] for i in chunk], device)
            outputs.update(zip(chunk, results, strict=True))
        for i, (run, item) in enumerate(window):
            if run.is_alive:
                with blame(run):
                    run.results.extend(stage.postprocess(item, outputs[i]))


def _items(stage: Stage, runs: Sequence[JobRun]) -> Iterator[tuple[JobRun, Item]]:
    """Items of all runs in order; a source that cannot be read ends its own run."""
    for run in runs:
        items: Iterator[Item] = iter(())
        if run.is_alive and run.source is not None:
            with blame(run):
                items = stage.preprocess(run.source)
        while run.is_alive:
            item = None
            with blame(run):
                item = next(items, None)
            if item is None:
                break
            yield run, item


def _forward(
    stage: Stage, batch: Sequence[tuple[JobRun, Item]], device: DeviceLock
) -> Sequence[Any]:
    """One output per item; None for an item that cannot run, whose job is blamed.

    After an error (too large for the device, or a defect in one item) the batch is halved until
    the guilty item is alone: its neighbours finish.

    Raises:
        TransientError: the device or an outside system is in trouble.
    """
    if not batch:
        return []
    culprit = batch[0][0] if len(batch) == 1 else Trial()
    with blame(culprit), device:
        return stage.forward([item for _, item in batch])
    if len(batch) == 1:
        return [None]
    half = len(batch) // 2
    return [*_forward(stage, batch[:half], device), *_forward(stage, batch[half:], device)]
