"""What `sluice migrate` tells; these shapes are promised to users."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class MoveState(StrEnum):
    """How far an installation has come on its way into another."""

    #: Artifacts and points are being copied; the target has no row yet.
    COPYING = "copying"
    #: Every row is there, put in by one transaction; nobody has compared yet.
    COPIED = "copied"
    #: Compared, and equal. From here on the target is written by its own processes only.
    FINISHED = "finished"


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class TableReport(_Report):
    """The rows of one table on both sides."""

    name: str
    n_source: int
    #: None in a dry run.
    n_target: int | None = None
    #: sha256 of each row, added up, so that their order does not matter; 32 hex digits.
    digest_source: str | None = None
    digest_target: str | None = None

    @property
    def is_same(self) -> bool:
        """Whether both sides hold the same rows."""
        return (self.n_source, self.digest_source) == (self.n_target, self.digest_target)


class CollectionReport(_Report):
    """The points of one collection on both sides, compared one by one."""

    name: str
    n_source: int
    n_target: int | None = None
    #: In the source only, in the target only, and unequal: vectors by 1e-6, payloads exactly.
    n_missing: int = 0
    n_extra: int = 0
    n_different: int = 0
    #: Some points that are not the same on both sides.
    examples: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether both sides hold the same points."""
        return not (self.n_missing or self.n_extra or self.n_different)


class ArtifactsReport(_Report):
    """The objects of the artifact store on both sides, compared by SHA-256."""

    n_source: int = 0
    bytes_source: int = 0
    n_target: int | None = None
    bytes_target: int | None = None
    n_missing: int = 0
    n_extra: int = 0
    n_different: int = 0
    #: Rows of artifacts whose object was not there before the move either.
    n_lost: int = 0
    #: Some keys that are not the same on both sides.
    examples: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether both sides hold the same objects."""
        return not (self.n_missing or self.n_extra or self.n_different or self.n_lost)


class MoveReport(_Report):
    """What `migrate --json` prints."""

    #: The home that is moved, and where to.
    source: str
    target: str
    #: None: a dry run, or nothing was begun.
    state: MoveState | None
    #: Whether this run went on with what an earlier one had begun.
    resumed: bool
    tables: tuple[TableReport, ...]
    collections: tuple[CollectionReport, ...]
    artifacts: ArtifactsReport
    #: One line for each thing that is not the same on both sides; empty in a dry run.
    differences: tuple[str, ...] = ()
    #: What is worth knowing before the cluster starts.
    remarks: tuple[str, ...] = ()
    seconds: float
