"""What licences are found by, and what the picture of sales is drawn from."""

import sqlalchemy as sa
from alembic import op

from include.ledger.chunks import chunks
from include.ledger.licence_words import folded

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER


PICTURE = ["month", "channel", "batch_id", "currency", "sold", "returned", "usage", "net"]  # all that months and channels are drawn from


def upgrade() -> None:
    words = op.create_table(
        "licence_words",
        sa.Column("licence_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.id"], name=op.f("fk_licence_words_licence_id_licence")),
        sa.PrimaryKeyConstraint("licence_id", name=op.f("pk_licence_words")),
    )
    _fill(words)
    op.drop_index("ix_sales_cell_month", table_name="sales_cell")
    op.create_index("ix_sales_cell_picture", "sales_cell", PICTURE)


def _fill(words: sa.Table) -> None:
    """Licences that are there are found at once; each sync renews the words."""
    connection = op.get_bind()
    own = sa.text("SELECT id, asset_id, name, artist, order_id, invoice FROM licence ORDER BY id")
    titles = sa.text("SELECT s.licence_id, w.title, s.campaign FROM licence_serves s LEFT JOIN work w ON w.id = s.work_id ORDER BY s.id")
    known = {id: [one for one in facts if one] for id, *facts in connection.execute(own)}
    for id, *served in connection.execute(titles):
        known[id] += [one for one in served if one and one not in known[id]]
    for some in chunks([{"licence_id": id, "words": folded(" ".join(facts))} for id, facts in known.items()]):
        op.bulk_insert(words, list(some))


def downgrade() -> None:
    op.drop_index("ix_sales_cell_picture", table_name="sales_cell")
    op.create_index("ix_sales_cell_month", "sales_cell", ["month", "batch_id"])
    op.drop_table("licence_words")
