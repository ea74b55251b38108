"""partial indexes for the queries of dispatcher, sweeper, purge and outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: table, name, columns, condition
_PARTIAL = (
    (
        "jobs",
        "ix_jobs_ready",
        ["stage", "version", "priority", "tenant", "created_at", "part"],
        "state = 'ready'",
    ),
    (
        "jobs",
        "ix_jobs_in_flight",
        ["stage", "priority", "batch_id"],
        "state IN ('dispatched', 'running')",
    ),
    ("jobs", "ix_jobs_lease", ["lease_until"], "state = 'running'"),
    ("assets", "ix_assets_unpurged", ["id"], "state = 'deleted' AND purged_at IS NULL"),
    ("outbox", "ix_outbox_unsent", ["id"], "sent_at IS NULL"),
)


def upgrade() -> None:
    """Apply."""
    op.drop_index("ix_jobs_ready", "jobs")
    for table, name, columns, where in _PARTIAL:
        condition = sa.text(where)
        op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)


def downgrade() -> None:
    """Undo."""
    for table, name, _, _ in _PARTIAL:
        op.drop_index(name, table)
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["state", "stage", "version", "tenant", "priority", "created_at", "part"],
    )
