"""Members: objects that an asset holds instead of a bucket (attachments, files in archives)."""

from typing import NamedTuple
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from schemas.asset import AssetId, ObjectRef
from schemas.segment import NAMESPACE, Text

#: Bucket name of members; no store has a bucket of this name. Their keys are `{parent}/{path}`.
MEMBER_BUCKET = "member:"
#: Between an object and what is inside it, where people read it.
INSIDE = " \u203a "


class Member(BaseModel):
    """One member as its parent's `prepare` found it."""

    model_config = ConfigDict(frozen=True)

    #: Name inside the parent, unique there; for people, never a path to open.
    path: Text = Field(min_length=1)
    sha256: str
    size_bytes: int


class Located(NamedTuple):
    """Where an asset is: an object of a bucket, and the way from there to a member inside it."""

    ref: ObjectRef
    #: Names from the outermost member to the innermost; empty for the object itself.
    inside: tuple[str, ...] = ()

    @property
    def named(self) -> ObjectRef:
        """A name for messages that ends like the member's own; nothing is stored there."""
        if not self.inside:
            return self.ref
        key = "/".join((self.ref.key, *self.inside))
        return ObjectRef(bucket=self.ref.bucket, key=key)


class Surroundings(NamedTuple):
    """What is around an asset, and what its neighbours inside the outermost object hold."""

    #: Parents on the way to the bucket.
    depth: int = 0
    #: Content hashes of all assets around it, and its own.
    sha256s: frozenset[str] = frozenset()
    #: All that is inside the outermost object, but for what is inside the asset itself.
    n_members: int = 0
    n_bytes: int = 0


def member_id(parent: AssetId | UUID, path: str, sha256: str) -> UUID:
    """Name a member; opening the same parent again names the same ones."""
    return uuid5(NAMESPACE, f"member|{parent}|{path}|{sha256}")


def member_key(parent: AssetId | UUID, path: str) -> str:
    """Key of a member's row."""
    return f"{parent}/{path}"


def path_inside(key: str) -> str:
    """The member's path, of its key."""
    return key.partition("/")[2]
