"""Bringing a database to the schema of this release, by the shipped migrations."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from scheduler import settings
from scheduler.store.errors import RegistryNotFound, SchemaOutdated, SchemaUnknown

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0020"  # the newest revision in migrations/versions; a test compares. Alembic itself is loaded only to migrate.


def revision_of(connection: Connection) -> str | None:
    """The schema that the database has; None where there is no registry in it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def check_revision(connection: Connection, *, place: str) -> None:
    """Raises where the database is not of this release's schema: no registry, an older one, a newer one."""
    found = revision_of(connection)
    if found is None:
        raise RegistryNotFound(place=place)
    if found < HEAD:
        raise SchemaOutdated(place=place, found=found, expected=HEAD)
    if found > HEAD:
        raise SchemaUnknown(place=place, found=found, expected=HEAD)


def upgrade(connection: Connection, *, place: str, to: str = "head") -> str | None:
    """Walk up to a revision; gives the revision the database had before, None where it had none."""
    from alembic import command

    before = revision_of(connection)
    if before is not None and before > HEAD:
        raise SchemaUnknown(place=place, found=before, expected=HEAD)
    command.upgrade(alembic_config(connection), to)
    return before


def downgrade(connection: Connection, *, to: str) -> None:
    """Walk down to a revision, `base` for none."""
    from alembic import command

    command.downgrade(alembic_config(connection), to)


def alembic_config(connection: Connection) -> "Config":
    """Alembic's configuration for this connection; the same from a checkout and from an installed wheel."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    folder = str(settings.shipped_folder("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
