"""sightings and scans."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("objects") as batch_op:
        batch_op.add_column(
            sa.Column(
                "n_looks",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="Grows with every look at the bucket; an older look is not recorded",
            )
        )
    if op.get_bind().dialect.name == "postgresql":
        # Buckets list keys by their bytes, and so must the index that listings are compared with.
        op.alter_column("objects", "key", type_=sa.String(collation="C"))
    op.create_table(
        "scans",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("bucket", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column(
            "after_key", sa.String(), nullable=False, comment="Everything up to it is compared"
        ),
        sa.Column("n_listed", sa.BigInteger(), nullable=False),
        sa.Column("n_new", sa.BigInteger(), nullable=False),
        sa.Column("n_changed", sa.BigInteger(), nullable=False),
        sa.Column("n_gone", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "bucket", "prefix"),
    )


def downgrade() -> None:
    """Revert."""
    op.drop_table("scans")
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("objects", "key", type_=sa.String())
    with op.batch_alter_table("objects") as batch_op:
        batch_op.drop_column("n_looks")
