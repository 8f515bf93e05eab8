"""The ledger as it starts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("partner", sa.String(length=41), nullable=False),
        sa.Column("flow", sa.String(length=60), nullable=False),
        sa.Column("business_key", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("format", sa.String(length=40), nullable=False),
        sa.Column("message_number", sa.Integer(), nullable=True),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("replaces_id", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("partner", "flow", "business_key", "digest", name="uq_delivery_partner_flow_business_key_digest"),
    )
    op.create_index("ix_delivery_created", "delivery", ["created_at", "id"])
    op.create_index("ix_delivery_flow_created", "delivery", ["flow", "created_at", "id"])
    op.create_index("ix_delivery_message_number", "delivery", ["message_number"])
    op.create_index("ix_delivery_partner_created", "delivery", ["partner", "created_at", "id"])
    op.create_index("ix_delivery_partner_state_created", "delivery", ["partner", "state", "created_at", "id"])
    op.create_index("ix_delivery_state_created", "delivery", ["state", "created_at", "id"])

    op.create_table(
        "event",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("partner", sa.String(length=41), nullable=False),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("subject", sa.String(length=800), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("host_key", sa.String(length=120), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_at", "event", ["at"])
    op.create_index("ix_event_delivery", "event", ["delivery_id", "id"])

    op.create_table(
        "feed_record",
        sa.Column("partner", sa.String(length=41), nullable=False),
        sa.Column("product_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("isbn", sa.String(length=20), nullable=False),
        sa.Column("record_reference", sa.String(length=120), nullable=False),
        sa.Column("notification", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("looked_at", MOMENT, nullable=False),
        sa.Column("source_digest", sa.String(length=64), nullable=False),
        sa.Column("stable_until", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("blocks", sa.JSON(), nullable=False),
        sa.Column("artefact", sa.String(length=64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("partner", "product_id", name="pk_feed_record"),
    )
    op.create_index("ix_feed_record_isbn", "feed_record", ["isbn"])
    op.create_index("ix_feed_record_product", "feed_record", ["product_id"])
    op.create_index("ix_feed_record_sent", "feed_record", ["partner", "sent_at", "product_id"])
    op.create_index("ix_feed_record_state", "feed_record", ["partner", "state", "product_id"])

    op.create_table(
        "partner",
        sa.Column("id", sa.String(length=41), nullable=False),
        sa.Column("last_message_number", sa.Integer(), nullable=False),
        sa.Column("full_resend", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_partner"),
    )
    op.create_table(
        "product",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("work_id", BIG_ID, nullable=False),
        sa.Column("isbn", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("form", sa.String(length=4), nullable=False),
        sa.Column("publication_date", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("seen_in", sa.Integer(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_product"),
    )
    op.create_index("ix_product_changed_at", "product", ["changed_at"])
    op.create_index("ix_product_isbn", "product", ["isbn"])
    op.create_index("ix_product_work_id", "product", ["work_id"])

    op.create_table(
        "receipt",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("partner", sa.String(length=41), nullable=False),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        sa.UniqueConstraint("partner", "sha256", "name", name="uq_receipt_partner_sha256_name"),
    )
    op.create_index("ix_receipt_delivery_id", "receipt", ["delivery_id"])
    op.create_index("ix_receipt_partner", "receipt", ["partner"])

    op.create_table(
        "sync",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("changed_since", sa.String(length=10), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("after", BIG_ID, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sync"),
    )
    op.create_table(
        "work",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("imprint", sa.String(length=200), nullable=False),
        sa.Column("stage", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("seen_in", sa.Integer(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("acquired_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_work"),
    )
    op.create_index("ix_work_changed_at", "work", ["changed_at"])
    op.create_index("ix_work_imprint", "work", ["imprint"])
    op.create_index("ix_work_stage", "work", ["stage"])

    op.create_table(
        "delivery_file",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("delivery_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folder", sa.String(length=500), nullable=False),
        sa.Column("remote_path", sa.String(length=800), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("verified", sa.String(length=20), nullable=False),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_delivery_file_delivery_id_delivery"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_file"),
        sa.UniqueConstraint("delivery_id", "folder", "name", name="uq_delivery_file_delivery_id_folder_name"),
    )
    op.create_index("ix_delivery_file_delivery_id", "delivery_file", ["delivery_id"])
    op.create_index("ix_delivery_file_name", "delivery_file", ["name", "delivery_id"], postgresql_ops={"name": "varchar_pattern_ops"})
    op.create_index("ix_delivery_file_sha256", "delivery_file", ["sha256"])

    op.create_table(
        "delivery_record",
        sa.Column("delivery_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("isbn", sa.String(length=20), nullable=False),
        sa.Column("record_reference", sa.String(length=120), nullable=False),
        sa.Column("notification", sa.String(length=2), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source_digest", sa.String(length=64), nullable=False),
        sa.Column("stable_until", sa.String(length=10), nullable=False),
        sa.Column("blocks", sa.JSON(), nullable=False),
        sa.Column("artefact", sa.String(length=64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("becomes", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.String(length=20), nullable=False),
        sa.Column("answer_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_delivery_record_delivery_id_delivery"),
        sa.PrimaryKeyConstraint("delivery_id", "product_id", name="pk_delivery_record"),
    )
    op.create_index("ix_delivery_record_isbn", "delivery_record", ["isbn", "delivery_id"])
    op.create_index("ix_delivery_record_product", "delivery_record", ["product_id", "delivery_id"])


def downgrade() -> None:
    for table in ("delivery_record", "delivery_file", "work", "sync", "receipt", "product", "partner", "feed_record", "event", "delivery"):
        op.drop_table(table)
