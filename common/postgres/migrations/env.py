"""Alembic runs this: one transaction on the connection that `common.postgres.migrate` hands over."""

from alembic import context

from common.postgres.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
