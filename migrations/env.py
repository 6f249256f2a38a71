"""Where Alembic starts: on the connection that the registry hands over, else on the settings' database."""

from alembic import context
from sqlalchemy import Connection

from scheduler.store.tables import metadata


def migrate(connection: Connection) -> None:
    """Walk the revisions on this connection, all of them or none."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_the_configured_registry() -> None:
    """For the `alembic` command of a developer."""
    from scheduler.settings import database_url
    from scheduler.store.addresses import database_at

    with database_at(database_url()).migrating() as connection:
        migrate(connection)


handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is None:
    migrate_the_configured_registry()
else:
    migrate(handed_over)
