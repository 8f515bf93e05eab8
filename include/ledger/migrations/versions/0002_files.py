"""Files: what came in, what each title has, packages, readiness, contracts, backups."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER


def upgrade() -> None:
    op.create_table(
        "archive_file",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("archive", sa.String(length=41), nullable=False),
        sa.Column("path", sa.String(length=700), nullable=False),
        sa.Column("whole_path", sa.Text(), nullable=False),
        sa.Column("other", sa.String(length=8), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified", MOMENT, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("fate", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("change", sa.String(length=10), nullable=False),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("intake_id", BIG_ID, nullable=True),
        sa.Column("shard_id", BIG_ID, nullable=True),
        sa.Column("seen_in", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_file")),
        sa.UniqueConstraint("archive", "path", name=op.f("uq_archive_file_archive_path")),
    )
    op.create_index("ix_archive_file_fate", "archive_file", ["archive", "fate", "id"], unique=False)
    op.create_index("ix_archive_file_shard", "archive_file", ["shard_id", "fate"], unique=False)
    op.create_index(op.f("ix_archive_file_work_id"), "archive_file", ["work_id"], unique=False)
    op.create_table(
        "archive_folder",
        sa.Column("archive", sa.String(length=41), nullable=False),
        sa.Column("walk", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=700), nullable=False),
        sa.Column("whole_path", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("archive", "walk", "path", name=op.f("pk_archive_folder")),
    )
    op.create_index("ix_archive_folder_open", "archive_folder", ["archive", "walk", "listed"], unique=False)
    op.create_table(
        "archive_shard",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("archive", sa.String(length=41), nullable=False),
        sa.Column("walk", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_shard")),
    )
    op.create_index("ix_archive_shard_state", "archive_shard", ["archive", "walk", "state"], unique=False)
    op.create_table(
        "archive_walk",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("archive", sa.String(length=41), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=12), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("listed_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_walk")),
        sa.UniqueConstraint("archive", "number", name=op.f("uq_archive_walk_archive_number")),
    )
    op.create_table(
        "backup",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("partner", sa.String(length=41), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("added_bytes", sa.BigInteger(), nullable=False),
        sa.Column("verified", sa.Integer(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup")),
        sa.UniqueConstraint("partner", "name", name=op.f("uq_backup_partner_name")),
    )
    op.create_index(op.f("ix_backup_made_at"), "backup", ["made_at"], unique=False)
    op.create_table(
        "contract",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("signed", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
    )
    op.create_index(op.f("ix_contract_work_id"), "contract", ["work_id"], unique=False)
    op.create_table(
        "intake_file",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("inbox", sa.String(length=60), nullable=False),
        sa.Column("path", sa.String(length=700), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("parent_id", BIG_ID, nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified", MOMENT, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("clues", sa.JSON(), nullable=False),
        sa.Column("proposals", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("restricted", sa.String(length=31), nullable=False),
        sa.Column("preview", sa.String(length=64), nullable=False),
        sa.Column("title_file_id", BIG_ID, nullable=True),
        sa.Column("duplicate_of_id", BIG_ID, nullable=True),
        sa.Column("original", sa.String(length=20), nullable=False),
        sa.Column("original_path", sa.Text(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=False),
        sa.Column("stored_at", MOMENT, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_file")),
        sa.UniqueConstraint("inbox", "path", "mark", name=op.f("uq_intake_file_inbox_path_mark")),
    )
    op.create_index("ix_intake_file_counts", "intake_file", ["inbox", "state", "restricted"], unique=False)
    op.create_index("ix_intake_file_inbox", "intake_file", ["inbox", "state", "id"], unique=False)
    op.create_index(op.f("ix_intake_file_parent_id"), "intake_file", ["parent_id"], unique=False)
    op.create_index(op.f("ix_intake_file_sha256"), "intake_file", ["sha256"], unique=False)
    op.create_index("ix_intake_file_state", "intake_file", ["state", "id"], unique=False)
    op.create_index(op.f("ix_intake_file_title_file_id"), "intake_file", ["title_file_id"], unique=False)
    op.create_table(
        "match_rule",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("inbox", sa.String(length=60), nullable=False),
        sa.Column("pattern", sa.String(length=400), nullable=False),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("contract_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_rule")),
        sa.UniqueConstraint("inbox", "pattern", name=op.f("uq_match_rule_inbox_pattern")),
    )
    op.create_table(
        "package",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("partner", sa.String(length=41), nullable=False),
        sa.Column("flow", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("work_id", BIG_ID, nullable=True),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("ticket", sa.JSON(), nullable=False),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("replaces_id", BIG_ID, nullable=True),
        sa.Column("built_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package")),
        sa.UniqueConstraint("partner", "flow", "subject", "digest", name=op.f("uq_package_partner_flow_subject_digest")),
    )
    op.create_index(op.f("ix_package_delivery_id"), "package", ["delivery_id"], unique=False)
    op.create_index("ix_package_work", "package", ["work_id", "id"], unique=False)
    op.create_index("ix_package_partner", "package", ["partner", "id"], unique=False)
    op.create_table(
        "preflight",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("expectation", sa.String(length=64), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preflight")),
        sa.UniqueConstraint("sha256", "expectation", name=op.f("uq_preflight_sha256_expectation")),
    )
    op.create_table(
        "readiness",
        sa.Column("product_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("work_id", BIG_ID, nullable=False),
        sa.Column("isbn", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("imprint", sa.String(length=200), nullable=False),
        sa.Column("season", sa.String(length=100), nullable=False),
        sa.Column("form", sa.String(length=4), nullable=False),
        sa.Column("format", sa.String(length=100), nullable=False),
        sa.Column("stage", sa.String(length=200), nullable=False),
        sa.Column("publication_date", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("risk", sa.String(length=10), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("stable_until", sa.String(length=10), nullable=False),
        sa.Column("assessed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_readiness")),
    )
    op.create_index("ix_readiness_imprint", "readiness", ["imprint", "publication_date", "product_id"], unique=False)
    op.create_index("ix_readiness_isbn", "readiness", ["isbn"], unique=False)
    op.create_index("ix_readiness_late", "readiness", ["late", "publication_date", "product_id"], unique=False)
    op.create_index("ix_readiness_published", "readiness", ["publication_date", "product_id"], unique=False)
    op.create_index("ix_readiness_season", "readiness", ["season", "publication_date", "product_id"], unique=False)
    op.create_index("ix_readiness_state", "readiness", ["state", "publication_date", "product_id"], unique=False)
    op.create_index(op.f("ix_readiness_work_id"), "readiness", ["work_id"], unique=False)
    op.create_table(
        "stage_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("work_id", BIG_ID, nullable=False),
        sa.Column("before", sa.String(length=200), nullable=False),
        sa.Column("after", sa.String(length=200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_change")),
    )
    op.create_index(op.f("ix_stage_change_at"), "stage_change", ["at"], unique=False)
    op.create_index(op.f("ix_stage_change_work_id"), "stage_change", ["work_id"], unique=False)
    op.create_table(
        "title_file",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("work_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("contract_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("part", sa.String(length=60), nullable=False),
        sa.Column("revision", sa.String(length=20), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("dated", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("approval", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("restricted", sa.String(length=31), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("source_path", sa.Text(), nullable=False),
        sa.Column("modified", MOMENT, nullable=True),
        sa.Column("preview", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("consonance", sa.JSON(), nullable=False),
        sa.Column("attached_at", MOMENT, nullable=False),
        sa.Column("attached_by", sa.String(length=120), nullable=False),
        sa.Column("replaced_by_id", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_title_file")),
    )
    op.create_index("ix_title_file_chain", "title_file", ["work_id", "kind", "part", "product_id"], unique=False)
    op.create_index(op.f("ix_title_file_contract_id"), "title_file", ["contract_id"], unique=False)
    op.create_index("ix_title_file_product", "title_file", ["product_id", "kind"], unique=False)
    op.create_index(op.f("ix_title_file_sha256"), "title_file", ["sha256"], unique=False)
    op.create_index(op.f("ix_title_file_state"), "title_file", ["state"], unique=False)
    op.create_table(
        "package_file",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("package_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title_file_id", BIG_ID, nullable=True),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_package_file_package_id_package")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package_file")),
        sa.UniqueConstraint("package_id", "name", name=op.f("uq_package_file_package_id_name")),
    )
    op.create_index(op.f("ix_package_file_package_id"), "package_file", ["package_id"], unique=False)
    op.create_index(op.f("ix_package_file_title_file_id"), "package_file", ["title_file_id"], unique=False)
    op.create_table(
        "review",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("title_file_id", BIG_ID, nullable=False),
        sa.Column("role", sa.String(length=31), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["title_file_id"], ["title_file.id"], name=op.f("fk_review_title_file_id_title_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("title_file_id", "role", name=op.f("uq_review_title_file_id_role")),
    )
    op.create_index(op.f("ix_review_title_file_id"), "review", ["title_file_id"], unique=False)


def downgrade() -> None:
    for table in (
        "review",
        "package_file",
        "title_file",
        "stage_change",
        "readiness",
        "preflight",
        "package",
        "match_rule",
        "intake_file",
        "contract",
        "backup",
        "archive_walk",
        "archive_shard",
        "archive_folder",
        "archive_file",
    ):
        op.drop_table(table)
