"""`models.lock`: the exact files of each checkpoint that came from a hub."""

from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, field_validator


class LockedFile(BaseModel):
    """The bytes of one file."""

    model_config = ConfigDict(frozen=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class LockedModel(BaseModel):
    """One checkpoint: what a profile asks for, and what it means."""

    model_config = ConfigDict(frozen=True)

    #: `owner/name`.
    repository: str
    #: As the profile writes it: a branch, a tag or a commit.
    revision: str
    #: What the revision was when it was locked.
    commit: str = Field(pattern="^[0-9a-f]{40}$")
    #: By path in the repository.
    files: dict[str, LockedFile]

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, files: dict[str, LockedFile]) -> dict[str, LockedFile]:
        """The paths become paths on this machine."""
        for path in map(PurePosixPath, files):
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ValueError(f"{path}: expected a path below the repository")
        return files

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files.values())


class ModelLock(BaseModel):
    """All checkpoints of a lock file."""

    model_config = ConfigDict(frozen=True)

    models: tuple[LockedModel, ...] = ()

    def find(self, repository: str, revision: str) -> LockedModel | None:
        """The entry of what a profile asks for."""
        asked = (repository, revision)
        return next((m for m in self.models if (m.repository, m.revision) == asked), None)

    def with_model(self, model: LockedModel) -> "ModelLock":
        """A lock that holds the entry, instead of what it held for the same question."""
        kept = [m for m in self.models if m != self.find(model.repository, model.revision)]
        return ModelLock(
            models=tuple(sorted([*kept, model], key=lambda m: (m.repository, m.revision)))
        )
