"""How far each scan is: rows that let a scan go on where it was stopped."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from infra.database import db_now
from infra.fan_in import insert_absent
from infra.tables import ScanRow


class ScanProgress(NamedTuple):
    """What a scan has compared and found."""

    #: Everything up to this key is compared.
    after_key: str = ""
    n_listed: int = 0
    n_new: int = 0
    n_changed: int = 0
    n_gone: int = 0


class Scans:
    """Scan rows within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def open(self, tenant: str, bucket: str, prefix: str, *, restart: bool) -> ScanProgress:
        """Where to go on: the progress of a scan that was stopped, or nothing.

        Args:
            tenant: whose objects are compared.
            bucket: what is listed.
            prefix: how the keys start.
            restart: forget what a stopped scan has done.
        """
        key = {"tenant": tenant, "bucket": bucket, "prefix": prefix}
        begun = ScanProgress()._asdict()
        now = {"started_at": db_now(), "updated_at": db_now()}
        insert_absent(self._session, ScanRow, [{**key, **begun}], **now)
        row = self._session.scalars(
            select(ScanRow)
            .where(*_is(tenant, bucket, prefix))
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        if restart or row.finished_at is not None:
            self._session.execute(
                update(ScanRow)
                .where(*_is(tenant, bucket, prefix))
                .values(**begun, **now, finished_at=None)
            )
            return ScanProgress()
        return ScanProgress(row.after_key, row.n_listed, row.n_new, row.n_changed, row.n_gone)

    def save(self, tenant: str, bucket: str, prefix: str, progress: ScanProgress) -> None:
        """Remember what is compared; call it after what was found is committed."""
        values = {**progress._asdict(), "updated_at": db_now()}
        self._session.execute(update(ScanRow).where(*_is(tenant, bucket, prefix)).values(**values))

    def finish(self, tenant: str, bucket: str, prefix: str) -> None:
        """The listing is at its end; the next scan begins anew."""
        self._session.execute(
            update(ScanRow).where(*_is(tenant, bucket, prefix)).values(finished_at=db_now())
        )


def _is(tenant: str, bucket: str, prefix: str) -> tuple[ColumnElement[bool], ...]:
    return (
        ScanRow.tenant == tenant,
        ScanRow.bucket == bucket,
        ScanRow.prefix == prefix,
    )
