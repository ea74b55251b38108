"""objects that an asset holds: attachments and files in archives."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("objects") as batch_op:
        batch_op.add_column(
            sa.Column(
                "parent_id",
                sa.Uuid(),
                nullable=True,
                comment="The asset that holds it; NULL in a bucket",
            )
        )
        batch_op.create_foreign_key("fk_objects_parent_id", "assets", ["parent_id"], ["id"])
        batch_op.create_index("ix_objects_parent_id", ["parent_id"])


def downgrade() -> None:
    """Revert; members have no place in the older schema, and their assets stay as they are."""
    op.execute(sa.text("DELETE FROM objects WHERE parent_id IS NOT NULL"))
    with op.batch_alter_table("objects") as batch_op:
        batch_op.drop_index("ix_objects_parent_id")
        batch_op.drop_constraint("fk_objects_parent_id", type_="foreignkey")
        batch_op.drop_column("parent_id")
