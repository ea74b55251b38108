"""objects and artifacts of more than 2 GiB."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = ("objects", "artifacts")


def upgrade() -> None:
    """Apply."""
    for table in _TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("size_bytes", type_=sa.BigInteger(), existing_nullable=False)


def downgrade() -> None:
    """Revert; refused by Postgres while a larger one is recorded."""
    for table in _TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("size_bytes", type_=sa.Integer(), existing_nullable=False)
