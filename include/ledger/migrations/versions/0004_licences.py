"""Licences of images, flags on them, covers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER


def upgrade() -> None:
    op.create_table(
        "asset_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("change_set", sa.String(length=60), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("asset_id", sa.String(length=60), nullable=False),
        sa.Column("lifecycle", sa.String(length=20), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_change")),
        sa.UniqueConstraint("change_set", "asset_id", "lifecycle", name=op.f("uq_asset_change_change_set_asset_id_lifecycle")),
    )
    op.create_index("ix_asset_change_asset", "asset_change", ["asset_id"], unique=False)
    op.create_table(
        "cover",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("asset_id", sa.String(length=60), nullable=False),
        sa.Column("public_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("isbn", sa.String(length=20), nullable=False),
        sa.Column("work", sa.String(length=100), nullable=False),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("series", sa.String(length=300), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("moderation", sa.String(length=20), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("gone_at", MOMENT, nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rules", sa.String(length=32), nullable=False),
        sa.Column("lost", sa.Text(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover")),
        sa.UniqueConstraint("asset_id", "version", name=op.f("uq_cover_asset_id_version")),
    )
    op.create_index("ix_cover_etag", "cover", ["etag"], unique=False)
    op.create_index("ix_cover_isbn", "cover", ["isbn"], unique=False)
    op.create_index("ix_cover_public_id", "cover", ["public_id"], unique=False)
    op.create_index(op.f("ix_cover_work"), "cover", ["work"], unique=False)
    op.create_index(op.f("ix_cover_work_id"), "cover", ["work_id"], unique=False)
    op.create_table(
        "licence",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("asset_id", sa.String(length=60), nullable=False),
        sa.Column("use", sa.String(length=160), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("artist", sa.String(length=300), nullable=False),
        sa.Column("family", sa.String(length=20), nullable=False),
        sa.Column("model", sa.String(length=30), nullable=False),
        sa.Column("agreement", sa.String(length=200), nullable=False),
        sa.Column("product_type", sa.String(length=60), nullable=False),
        sa.Column("getty_product_id", sa.String(length=60), nullable=False),
        sa.Column("order_id", sa.String(length=60), nullable=False),
        sa.Column("invoice", sa.String(length=60), nullable=False),
        sa.Column("licensed_at", MOMENT, nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("ends_on", sa.String(length=10), nullable=False),
        sa.Column("ends_state", sa.String(length=10), nullable=False),
        sa.Column("agreement_ends_on", sa.String(length=10), nullable=False),
        sa.Column("editorial_only", sa.Boolean(), nullable=True),
        sa.Column("territories", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("thumbnail", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("first_seen", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence")),
        sa.UniqueConstraint("provider", "asset_id", "use", name=op.f("uq_licence_provider_asset_id_use")),
    )
    op.create_index("ix_licence_ends", "licence", ["ends_on", "ends_state", "id", "state", "territories"], unique=False)
    op.create_index("ix_licence_order", "licence", ["order_id"], unique=False)
    op.create_index("ix_licence_state", "licence", ["state", "id"], unique=False)
    op.create_table(
        "licence_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("licence_id", BIG_ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_change")),
    )
    op.create_index("ix_licence_change_licence", "licence_change", ["licence_id", "id"], unique=False)
    op.create_table(
        "licence_sheet",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("received_by", sa.String(length=120), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_sheet")),
        sa.UniqueConstraint("sha256", name=op.f("uq_licence_sheet_sha256")),
    )
    op.create_table(
        "licence_sync",
        sa.Column("part", sa.String(length=60), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_licence_sync")),
    )
    op.create_table(
        "licence_telling",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("team", sa.String(length=31), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_telling")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_licence_telling_channel_key")),
    )
    op.create_table(
        "cover_use",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("work_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("cover_id", BIG_ID, nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("title_file_id", BIG_ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("consonance", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["cover_id"], ["cover.id"], name=op.f("fk_cover_use_cover_id_cover")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover_use")),
        sa.UniqueConstraint("product_id", "kind", name=op.f("uq_cover_use_product_id_kind")),
    )
    op.create_index("ix_cover_use_cover", "cover_use", ["cover_id"], unique=False)
    op.create_index("ix_cover_use_work", "cover_use", ["work_id"], unique=False)
    op.create_table(
        "licence_flag",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("licence_id", BIG_ID, nullable=False),
        sa.Column("cause", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("work_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("team", sa.String(length=31), nullable=False),
        sa.Column("blocking", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("todo", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("mailed_in", BIG_ID, nullable=False),
        sa.Column("issued_in", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.id"], name=op.f("fk_licence_flag_licence_id_licence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_flag")),
        sa.UniqueConstraint("licence_id", "cause", "subject", "threshold", name=op.f("uq_licence_flag_licence_id_cause_subject_threshold")),
    )
    op.create_index("ix_licence_flag_issued", "licence_flag", ["issued_in", "team", "state"], unique=False)
    op.create_index(op.f("ix_licence_flag_licence_id"), "licence_flag", ["licence_id"], unique=False)
    op.create_index("ix_licence_flag_mailed", "licence_flag", ["mailed_in", "state"], unique=False)
    op.create_index("ix_licence_flag_open", "licence_flag", ["state", "licence_id", "team", "cause", "blocking"], unique=False)
    op.create_index("ix_licence_flag_state", "licence_flag", ["state", "due_on", "id"], unique=False)
    op.create_index("ix_licence_flag_work", "licence_flag", ["work_id", "state"], unique=False)
    op.create_table(
        "licence_serves",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("licence_id", BIG_ID, nullable=False),
        sa.Column("work_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("campaign", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence.id"], name=op.f("fk_licence_serves_licence_id_licence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_serves")),
        sa.UniqueConstraint(
            "licence_id",
            "work_id",
            "product_id",
            "campaign",
            "role",
            name=op.f("uq_licence_serves_licence_id_work_id_product_id_campaign_role"),
        ),
    )
    op.create_index(op.f("ix_licence_serves_licence_id"), "licence_serves", ["licence_id"], unique=False)
    op.create_index("ix_licence_serves_product", "licence_serves", ["product_id"], unique=False)
    op.create_index("ix_licence_serves_work", "licence_serves", ["work_id"], unique=False)


def downgrade() -> None:
    for table in (
        "licence_serves",
        "licence_flag",
        "cover_use",
        "licence_telling",
        "licence_sync",
        "licence_sheet",
        "licence_change",
        "licence",
        "cover",
        "asset_change",
    ):
        op.drop_table(table)
