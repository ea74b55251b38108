"""`sluice migrate` in a process that kills itself at a given moment, without warning.

python -m tests.orchestrator.move.dying WHAT:N:before|after
"""

import itertools
import os
import signal
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from infra.moves import Moves
from infra.s3_store import S3Store
from infra.vectors import edge, qdrant
from orchestrator.commands.migrate import run_migrate
from orchestrator.move import mover, verify

#: Where each of them is looked up.
OWNERS: dict[str, Any] = {
    "record": Moves,
    "save_cursors": Moves,
    "advance": Moves,
    "upload": S3Store,
    "put": qdrant.QdrantVectorStore,
    "copy_rows": mover,
    "compare_tables": mover,
    "compare_points": verify,
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(what: str, n: int, when: str) -> None:
    """Have the n-th call of something be the last thing that happens."""
    calls = itertools.count(1)
    do = getattr(OWNERS[what], what)

    def deadly(*args: Any, **how: Any) -> Any:
        this = next(calls)  # uploads come from several threads
        if this == n and when == "before":
            die()
        result = do(*args, **how)
        if this == n:
            die()
        return result

    setattr(OWNERS[what], what, deadly)


def arm_statement(word: str, n: int) -> None:
    """Die after the n-th statement that begins with a word, in the middle of its transaction."""
    n_sent = 0

    @event.listens_for(Engine, "after_cursor_execute")
    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal n_sent
        n_sent += statement.startswith(word)
        if n_sent == n:
            die()


def main() -> None:
    """Move, until death."""
    what, n, when = sys.argv[1].split(":")
    # Small pages, so that there are several of them.
    edge.SCROLL_PAGE = 4
    if what in OWNERS:
        arm(what, int(n), when)
    else:
        arm_statement(what, int(n))
    sys.exit(run_migrate(dry_run=False, as_json=True))


if __name__ == "__main__":
    main()
