"""Runs migrations over the connection that `Ledger.upgrade` hands in, inside its transaction."""

from alembic import context

from include.ledger import file_rows, licence_rows, sales_rows  # noqa: F401 - their tables belong to the metadata
from include.ledger.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
