"""What a benchmark returns."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """Our rate against a limit that nothing of ours could pass, measured side by side."""

    name: str
    #: Ours, and the bare loop's, in the same unit.
    value: float
    limit: float
    unit: str
    target: float
    #: Other systems on the same input, by name.
    peers: dict[str, float] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """As `make bench` prints it."""
        ratio = self.value / self.limit
        return {
            "name": self.name,
            "value": round(self.value, 2),
            "limit": round(self.limit, 2),
            "unit": self.unit,
            "ratio": round(ratio, 3),
            "target": self.target,
            "met": ratio >= self.target,
            "peers": self.peers,
        }
