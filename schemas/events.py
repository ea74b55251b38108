"""What consumers of the pipeline are told, through the outbox."""

from enum import StrEnum


class EventType(StrEnum):
    """Topics; an event is written in the transaction that makes it true."""

    ASSET_READY = "asset.ready"
    ASSET_PARTIAL = "asset.partial"
    ASSET_FAILED = "asset.failed"
    ASSET_DELETED = "asset.deleted"
