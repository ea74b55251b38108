"""Assets by the names that users give them."""

from collections.abc import Sequence
from urllib.parse import unquote

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from infra.tables import AssetRow, ObjectRow
from schemas.asset import FILE_BUCKET, AssetId, AssetState
from schemas.member import INSIDE, member_key

#: Shortest start of an asset id that is taken for one.
_MIN_ID_PREFIX = 6
#: `INSIDE` as keyboards have it.
_TYPED_INSIDE = " > "


def find_assets(session: Session, tenant: str, name: str) -> list[AssetId]:
    """Assets by id, the start of an id, URI, path, or the end of a path.

    A member is named behind its parent: `mail.eml > invoice.pdf`. Without, only its id names it,
    so that nobody deletes an attachment who meant an object.
    """
    held = (ObjectRow.tenant == tenant, ObjectRow.asset_id.is_not(None))
    rows = session.scalars(
        select(ObjectRow.asset_id)
        .where(*held, ObjectRow.parent_id.is_(None), _is_named(name))
        .order_by(ObjectRow.bucket, ObjectRow.key)
    )
    found = {AssetId(asset_id): None for asset_id in rows if asset_id}
    outer, inside, path = name.replace(_TYPED_INSIDE, INSIDE).rpartition(INSIDE)
    if not found and inside:
        found = dict.fromkeys(_find_members(session, find_assets(session, tenant, outer), path))
    if not found and len(name) >= _MIN_ID_PREFIX:
        ids = session.scalars(
            select(AssetRow.id).where(
                AssetRow.tenant == tenant, AssetRow.state != AssetState.DELETED
            )
        )
        found = {AssetId(i): None for i in ids if str(i).startswith(name.lower())}
    return list(found)


def _find_members(session: Session, parents: Sequence[AssetId], path: str) -> list[AssetId]:
    keys = [member_key(parent, path) for parent in parents]
    rows = session.scalars(
        select(ObjectRow.asset_id).where(ObjectRow.parent_id.in_(parents), ObjectRow.key.in_(keys))
    )
    return [AssetId(asset_id) for asset_id in rows if asset_id]


def _is_named(name: str) -> ColumnElement[bool]:
    """Objects that a URI or an absolute path names, or whose key ends like a relative path."""
    scheme, is_uri, rest = name.partition("://")
    if is_uri:
        bucket, _, key = rest.partition("/")
        is_file = scheme == "file"
        bucket, key = (FILE_BUCKET, unquote(key)) if is_file else (bucket, key)
        return and_(ObjectRow.bucket == bucket, ObjectRow.key == key)
    key = name.removeprefix("./")
    if key.startswith("/"):
        return ObjectRow.key == key.lstrip("/")
    ending = "/" + key
    # Not LIKE: on SQLite it takes `A.JPG` for `a.jpg`, and names are for `delete` too.
    first = func.length(ObjectRow.key) - len(ending) + 1
    return or_(ObjectRow.key == key, func.substr(ObjectRow.key, first) == ending)
