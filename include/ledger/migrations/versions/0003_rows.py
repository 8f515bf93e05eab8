"""Rows: sales and usage, sheets of titles, import workbooks, royalty statements."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER


def upgrade() -> None:
    op.create_table(
        "sales_alias",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source", sa.String(length=41), nullable=False),
        sa.Column("id_type", sa.String(length=20), nullable=False),
        sa.Column("id_value", sa.String(length=120), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_alias")),
        sa.UniqueConstraint("source", "id_type", "id_value", name=op.f("uq_sales_alias_source_id_type_id_value")),
    )
    op.create_table(
        "sales_batch",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source", sa.String(length=41), nullable=False),
        sa.Column("layout", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("intake_id", BIG_ID, nullable=True),
        sa.Column("period_from", sa.String(length=10), nullable=False),
        sa.Column("period_to", sa.String(length=10), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("lines", sa.String(length=64), nullable=False),
        sa.Column("rejects", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("overlap", sa.String(length=12), nullable=False),
        sa.Column("replaces_id", BIG_ID, nullable=True),
        sa.Column("replaced_by_id", BIG_ID, nullable=True),
        sa.Column("controls", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("loaded_at", MOMENT, nullable=False),
        sa.Column("loaded_by", sa.String(length=120), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.Column("undone_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_batch")),
    )
    op.create_index("ix_sales_batch_file", "sales_batch", ["sha256"], unique=False)
    op.create_index(op.f("ix_sales_batch_loaded_at"), "sales_batch", ["loaded_at"], unique=False)
    op.create_index(op.f("ix_sales_batch_replaced_by_id"), "sales_batch", ["replaced_by_id"], unique=False)
    op.create_index("ix_sales_batch_source", "sales_batch", ["source", "period_from", "id"], unique=False)
    op.create_index("ix_sales_batch_state", "sales_batch", ["state", "id"], unique=False)
    op.create_table(
        "sales_payment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source", sa.String(length=41), nullable=False),
        sa.Column("period", sa.String(length=21), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.String(length=60), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("paid_on", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_at", MOMENT, nullable=False),
        sa.Column("entered_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_payment")),
        sa.UniqueConstraint("source", "reference", "currency", name=op.f("uq_sales_payment_source_reference_currency")),
    )
    op.create_index("ix_sales_payment_period", "sales_payment", ["source", "period"], unique=False)
    op.create_table(
        "sales_summary",
        sa.Column("lines", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("lines", "version", name=op.f("pk_sales_summary")),
    )
    op.create_table(
        "statement",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("position", sa.String(length=120), nullable=False),
        sa.Column("intake_id", BIG_ID, nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("payee", sa.String(length=60), nullable=False),
        sa.Column("payee_name", sa.String(length=300), nullable=False),
        sa.Column("recipient", sa.String(length=41), nullable=False),
        sa.Column("contracts", sa.JSON(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.String(length=60), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("replaces_id", BIG_ID, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("source_sha256", "position", name=op.f("uq_statement_source_sha256_position")),
    )
    op.create_index(op.f("ix_statement_delivery_id"), "statement", ["delivery_id"], unique=False)
    op.create_index("ix_statement_payee", "statement", ["payee", "period"], unique=False)
    op.create_index("ix_statement_recipient", "statement", ["recipient", "id"], unique=False)
    op.create_index(op.f("ix_statement_sha256"), "statement", ["sha256"], unique=False)
    op.create_index("ix_statement_state", "statement", ["state", "id"], unique=False)
    op.create_table(
        "title_import",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("mapping", sa.String(length=41), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("intake_id", BIG_ID, nullable=True),
        sa.Column("made_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_title_import")),
        sa.UniqueConstraint("mapping", "sha256", name=op.f("uq_title_import_mapping_sha256")),
    )
    op.create_index("ix_title_import_state", "title_import", ["state", "id"], unique=False)
    op.create_table(
        "workbook",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("expects", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=31), nullable=False),
        sa.Column("prepared_at", MOMENT, nullable=False),
        sa.Column("handed_at", MOMENT, nullable=True),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("confirmed_by", sa.String(length=120), nullable=False),
        sa.Column("verified_at", MOMENT, nullable=True),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workbook")),
        sa.UniqueConstraint("kind", "subject", "digest", name=op.f("uq_workbook_kind_subject_digest")),
    )
    op.create_index("ix_workbook_state", "workbook", ["state", "id"], unique=False)
    op.create_table(
        "sales_cell",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("channel", sa.String(length=120), nullable=False),
        sa.Column("territory", sa.String(length=10), nullable=False),
        sa.Column("model", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("usage", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["sales_batch.id"], name=op.f("fk_sales_cell_batch_id_sales_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_cell")),
    )
    op.create_index("ix_sales_cell_batch", "sales_cell", ["batch_id"], unique=False)
    op.create_index("ix_sales_cell_month", "sales_cell", ["month", "batch_id"], unique=False)
    op.create_table(
        "sales_part",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("source", sa.String(length=41), nullable=False),
        sa.Column("period", sa.String(length=21), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("claim", sa.String(length=120), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("usage", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["sales_batch.id"], name=op.f("fk_sales_part_batch_id_sales_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_part")),
        sa.UniqueConstraint("claim", name=op.f("uq_sales_part_claim")),
    )
    op.create_index(op.f("ix_sales_part_batch_id"), "sales_part", ["batch_id"], unique=False)
    op.create_index("ix_sales_part_key", "sales_part", ["source", "period", "currency"], unique=False)
    op.create_table(
        "sales_product",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("id_type", sa.String(length=20), nullable=False),
        sa.Column("id_value", sa.String(length=120), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("others", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("usage", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("workbook_id", BIG_ID, nullable=True),
        sa.Column("proposals", sa.JSON(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["sales_batch.id"], name=op.f("fk_sales_product_batch_id_sales_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_product")),
        sa.UniqueConstraint("batch_id", "id_type", "id_value", name=op.f("uq_sales_product_batch_id_id_type_id_value")),
    )
    op.create_index(op.f("ix_sales_product_batch_id"), "sales_product", ["batch_id"], unique=False)
    op.create_index("ix_sales_product_queue", "sales_product", ["state", "id"], unique=False)
    op.create_index("ix_sales_product_title", "sales_product", ["product_id", "batch_id"], unique=False)
    op.create_index("ix_sales_product_value", "sales_product", ["id_value"], unique=False)
    op.create_index(op.f("ix_sales_product_work_id"), "sales_product", ["work_id"], unique=False)
    op.create_index(op.f("ix_sales_product_workbook_id"), "sales_product", ["workbook_id"], unique=False)
    op.create_table(
        "title_import_line",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("import_id", BIG_ID, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("isbn", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("workbook_id", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["title_import.id"], name=op.f("fk_title_import_line_import_id_title_import")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_title_import_line")),
        sa.UniqueConstraint("import_id", "row", name=op.f("uq_title_import_line_import_id_row")),
    )
    op.create_index(op.f("ix_title_import_line_isbn"), "title_import_line", ["isbn"], unique=False)
    op.create_index("ix_title_import_line_state", "title_import_line", ["import_id", "state"], unique=False)
    op.create_index(op.f("ix_title_import_line_work_id"), "title_import_line", ["work_id"], unique=False)
    op.create_index(op.f("ix_title_import_line_workbook_id"), "title_import_line", ["workbook_id"], unique=False)


def downgrade() -> None:
    for table in (
        "title_import_line",
        "sales_product",
        "sales_part",
        "sales_cell",
        "workbook",
        "title_import",
        "statement",
        "sales_summary",
        "sales_payment",
        "sales_batch",
        "sales_alias",
    ):
        op.drop_table(table)
