"""How far a move is, for whoever shows it."""

from collections.abc import Callable
from typing import Protocol


class Show(Protocol):
    """Shows one phase after the other."""

    def phase(self, name: str, total: int | None = None) -> Callable[[int], None]:
        """Begin a phase.

        Args:
            name: what is done, for people.
            total: how much there is of it, where that is known.

        Returns:
            Tell it how much was done since it was told last.
        """
