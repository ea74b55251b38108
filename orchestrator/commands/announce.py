"""What a command that runs until it is stopped says of itself: lines for people, or JSON."""

import json

from orchestrator.commands.session import err
from orchestrator.progress import STOPPING_HINT


class Announcer:
    """Tells when a process is ready, stopping and stopped.

    For machines each is one JSON document on a line of stdout, and the logs on stderr are JSON,
    too; for people each is a line on stderr.
    """

    def __init__(self, command: str, *, as_json: bool) -> None:
        self._command = command
        self._as_json = as_json

    @property
    def log_format(self) -> str | None:
        """Of the settings; None leaves it to them."""
        return "json" if self._as_json else None

    def ready(self, text: str, **facts: object) -> None:
        """The process does its work from here on."""
        self._say("ready", text, facts)

    def stopping(self) -> None:
        """It takes nothing more; what is at hand is finished."""
        self._say("stopping", STOPPING_HINT, {})

    def stopped(self) -> None:
        """It is about to end, and all is in order."""
        self._say("stopped", "stopped", {})

    def _say(self, event: str, text: str, facts: dict[str, object]) -> None:
        if self._as_json:
            line = {"command": self._command, "event": event, **facts}
            print(json.dumps(line), flush=True)  # noqa: T201  stdout is the interface
        else:
            err.print(text)
