"""What `sluice models` prints with `--json`; these shapes are promised to users."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class PulledModel(_Report):
    """One checkpoint of a hub."""

    repository: str
    #: As the profile writes it.
    revision: str
    #: None if it failed.
    commit: str | None
    #: `cached`: locked from the cache, for no hub answered.
    state: Literal["pulled", "here", "cached", "failed"]
    n_files: int = 0
    size_bytes: int = 0
    error: str | None = None


class PullReport(_Report):
    """What `models pull --json` prints."""

    profile: str
    lock_file: str
    models: tuple[PulledModel, ...]
    size_bytes: int
    seconds: float


class StageModel(_Report):
    """The model of one stage."""

    stage: str
    source: str
    family: str
    #: As the profile writes it; the version of a package, the content of a folder.
    revision: str
    #: Of a checkpoint from a hub, once it is locked.
    commit: str | None = None
    #: `unlocked`: `sluice models pull` was not run for it.
    state: Literal["here", "unlocked", "missing", "damaged"]
    #: Whether its files were compared with their checksums since they last changed; None where
    #: there are none to compare with.
    verified: bool | None = None
    random_weights: bool = False
    size_bytes: int = 0
    error: str | None = None


class ModelList(_Report):
    """What `models list --json` and `models verify --json` print."""

    profile: str
    lock_file: str
    stages: tuple[StageModel, ...]
