"""What licences are found by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER


def upgrade() -> None:
    op.create_table(  # filled by the next sync of licences
        "licence_words",
        sa.Column("licence_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.id"], name=op.f("fk_licence_words_licence_id_licence")),
        sa.PrimaryKeyConstraint("licence_id", name=op.f("pk_licence_words")),
    )


def downgrade() -> None:
    op.drop_table("licence_words")
