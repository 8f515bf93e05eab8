"""What licences are found by, and what the picture of sales is drawn from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER


PICTURE = ["month", "channel", "batch_id", "currency", "sold", "returned", "usage", "net"]  # all that months and channels are drawn from


def upgrade() -> None:
    op.create_table(  # filled by the next sync of licences
        "licence_words",
        sa.Column("licence_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.id"], name=op.f("fk_licence_words_licence_id_licence")),
        sa.PrimaryKeyConstraint("licence_id", name=op.f("pk_licence_words")),
    )
    op.drop_index("ix_sales_cell_month", table_name="sales_cell")
    op.create_index("ix_sales_cell_picture", "sales_cell", PICTURE)


def downgrade() -> None:
    op.drop_index("ix_sales_cell_picture", table_name="sales_cell")
    op.create_index("ix_sales_cell_month", "sales_cell", ["month", "batch_id"])
    op.drop_table("licence_words")
