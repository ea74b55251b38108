"""Messages of any source become looks at keys; each message gets a verdict that its source tells.

What is common to all sources is here: one message may name a thousand keys, ten messages may name
the same one, and a message is only taken when all its keys are committed.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from orchestrator.intake.events import Found, Intake, Look
from orchestrator.intake.notifications import MalformedNotice, Notices, parse
from schemas.asset import ObjectRef
from schemas.job import Priority

logger = logging.getLogger(__name__)


class Verdict(StrEnum):
    """What a source does with its message."""

    #: All it says is committed, or it says nothing: acknowledge it.
    TAKEN = "taken"
    #: It is no notification, and will not become one: set it aside for a person to see.
    MALFORMED = "malformed"
    #: Some key could not be asked for or recorded: deliver it again later.
    UNANSWERED = "unanswered"


class Receiver:
    """Takes messages for one tenant. Safe to use from many threads."""

    def __init__(
        self,
        intake: Intake,
        tenant: str,
        *,
        buckets: frozenset[str] = frozenset(),
        priority: Priority = Priority.NORMAL,
    ) -> None:
        """Nothing is opened.

        Args:
            intake: where keys are looked at.
            tenant: whose objects all messages name.
            buckets: those that are listened to; none means all.
            priority: of the jobs of new objects.
        """
        self._intake = intake
        self._tenant = tenant
        self._buckets = buckets
        self._priority = priority

    def receive(self, bodies: Sequence[str | bytes]) -> list[Verdict]:
        """Look at every key that the messages name; one verdict for each message.

        All that is `TAKEN` is committed when this returns. Receiving a message again changes
        nothing.

        Raises:
            ConfigurationError: the object store refuses us.
            DatabaseUnavailable: no message was taken, as far as is known.
        """
        notices = [self._parse(body) for body in bodies]
        refs = {ref: None for each in notices if each for ref in each.refs if self._listens(ref)}
        looks = self._intake.look(refs, self._tenant, self._priority)
        _log(notices, looks)
        return [_verdict(each, looks) for each in notices]

    def _listens(self, ref: ObjectRef) -> bool:
        return not self._buckets or ref.bucket in self._buckets

    def _parse(self, body: str | bytes) -> Notices | None:
        try:
            return parse(body)
        except MalformedNotice as exc:
            logger.warning("notice_malformed", extra={"reason": str(exc)})
            return None


def _verdict(notices: Notices | None, looks: Mapping[ObjectRef, Look]) -> Verdict:
    if notices is None:
        return Verdict.MALFORMED
    found = {looks[ref].found for ref in notices.refs if ref in looks}
    return Verdict.UNANSWERED if Found.UNANSWERED in found else Verdict.TAKEN


def _log(notices: Sequence[Notices | None], looks: Mapping[ObjectRef, Look]) -> None:
    counts = Counter(f"n_{look.found.value}" for look in looks.values())
    logger.info("notices_received", extra={"n_messages": len(notices), **counts})
    for reason, n in Counter(r for each in notices if each for r in each.ignored).items():
        logger.info("notice_ignored", extra={"reason": reason, "n_records": n})
    for ref, look in looks.items():
        if look.found in (Found.FORBIDDEN, Found.UNANSWERED):
            # The key is the sender's: escaped, so that it cannot forge a line.
            told = {"uri": ascii(ref.uri), "reason": str(look.error)}
            logger.warning("object_not_read", extra=told)
