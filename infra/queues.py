"""Names of queues: one for each stage and priority."""

from collections.abc import Iterable

from schemas.errors import ConfigurationError
from schemas.job import Priority
from schemas.stages import STAGES


def queue_of(stage: str, priority: Priority) -> str:
    """The queue of a stage's batches of one priority."""
    return f"{STAGES[stage].queue}.{priority.name.lower()}"


def queue_names() -> list[str]:
    """All queues, in the order of the registry."""
    return list(dict.fromkeys(queue_of(stage, p) for stage in STAGES for p in Priority))


def parse_queues(words: Iterable[str]) -> list[str]:
    """Full names of queues: `ocr` means all its priorities, `ocr.bulk` one.

    Raises:
        ConfigurationError: no stage has such a queue.
    """
    names: dict[str, None] = {}
    for word in words:
        found = [q for q in queue_names() if word in (q, q.rpartition(".")[0])]
        if not found:
            known = ", ".join(dict.fromkeys(q.rpartition(".")[0] for q in queue_names()))
            raise ConfigurationError(
                f"--queues {word}: no such queue; known: {known}, each also as "
                "NAME.interactive, NAME.normal and NAME.bulk"
            )
        names |= dict.fromkeys(found)
    return list(names)
