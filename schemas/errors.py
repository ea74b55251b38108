"""What can go wrong, and what that means for a job.

IngestError
  PermanentError             never retried; the job fails and the reason is stored
    UnsupportedMedia
    UnreadableMedia
    EncryptedMedia
    MediaTooLarge
    ObjectNotFound
      ObjectForbidden
  TransientError             the worker pauses and the job goes back without losing an attempt
    ObjectStoreUnavailable
    DatabaseUnavailable
    VectorStoreUnavailable
    BrokerUnavailable        the batch stays in the database
    EventSourceUnavailable
    StorageFull
  ObjectChanged              the bytes are no longer those that were recorded: look again
  SandboxCrashed             the confined child died or overstepped; counts as an attempt
  DeviceOutOfMemory          retried in process with half the model batch, then as one attempt
  LeaseLost                  another worker holds the job; stop quietly
ConfigurationError           the user must change a setting; the command exits with 2
  DatabaseDamaged            trying again cannot help; nor is it a defect of ours

Any other exception is a defect of ours: full traceback, limited attempts, then `quarantined`.
"""

from pydantic import BaseModel, ConfigDict

from schemas.segment import Locator, Text


class IngestError(Exception):
    """Base of every error that the pipeline knows how to answer."""


class PermanentError(IngestError):
    """Running again with the same bytes and settings would fail again."""


class UnsupportedMedia(PermanentError):
    """The content is of a type that no stage reads, or not what its name claims."""


class UnreadableMedia(PermanentError):
    """The content is of a known type but broken: truncated, corrupt or empty."""


class EncryptedMedia(PermanentError):
    """The content needs a password that was not given."""


class MediaTooLarge(PermanentError):
    """The content passes a limit: bytes, pixels, pages, seconds, time or memory to decode."""


class ObjectNotFound(PermanentError):
    """The bucket does not hold the object."""


class ObjectForbidden(ObjectNotFound):
    """The object may not be read: perhaps a mistake in permissions, so nothing is dropped."""


class TransientError(IngestError):
    """An outside system is in trouble; the job is innocent."""


class ObjectStoreUnavailable(TransientError):
    """The object store did not answer or asked us to slow down."""


class DatabaseUnavailable(TransientError):
    """The database did not answer."""


class VectorStoreUnavailable(TransientError):
    """The vector store did not answer, or did not confirm a write as completed."""


class EventSourceUnavailable(TransientError):
    """The queue of bucket events did not answer; what it holds comes again."""


class BrokerUnavailable(TransientError):
    """The broker did not answer, or did not confirm that it took a message."""


class StorageFull(TransientError):
    """No space is left for scratch files, artifacts, rows or vectors."""


class ObjectChanged(IngestError):
    """The object's bytes changed between HEAD and GET; the new generation must be planned."""


class SandboxCrashed(IngestError):
    """A confined child process died without saying why (a signal, out of memory)."""


class DeviceOutOfMemory(IngestError):
    """The device could not hold the model batch."""


class LeaseLost(IngestError):
    """A newer run owns the job; the result at hand must be dropped."""


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message says which and how to mend it."""


class DatabaseDamaged(ConfigurationError):
    """The embedded database's file is broken, or something else lies in its place."""


class Failure(BaseModel):
    """One thing that went wrong, kept as data: `page 7 failed` is a failure of one page."""

    model_config = ConfigDict(frozen=True)

    #: Class name from the tree above, or of the unknown exception.
    category: str
    #: What was found, what was expected, in which object.
    message: Text
    stage: str
    #: 1-based.
    attempt: int = 1
    #: The part of the asset that failed; None means all of it.
    locator: Locator | None = None
