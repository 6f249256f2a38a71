"""What can go wrong with the database and the key. None of these messages holds a password, a key or an identity."""

from pathlib import Path

from scheduler.errors import Conflict, DeliveryError, NotFound


class StoreMisused(Exception):
    """A defect of ours: the store was called in a way that it refuses. It crashes loudly."""


class PromiseBroken(StoreMisused):
    """A defect of ours that a constraint or a trigger caught. It repeats no cell of the row."""

    def __init__(self, *, promise: str) -> None:
        super().__init__(f"the database refused a row: {promise}")


class RegistryNotFound(NotFound):
    """There is no registry at this address yet."""

    def __init__(self, *, place: str) -> None:
        super().__init__(f"there is no registry at {place}", advice="make one with `hepwatch init`")


class SchemaOutdated(DeliveryError):
    """The registry was made by an older hepwatch."""

    def __init__(self, *, place: str, found: str, expected: str) -> None:
        super().__init__(
            f"the registry at {place} has schema {found}; this hepwatch works with schema {expected}",
            advice="back it up, then upgrade it with `hepwatch init`; no row is lost",
        )


class SchemaUnknown(DeliveryError):
    """The registry was made by a newer hepwatch."""

    def __init__(self, *, place: str, found: str, expected: str) -> None:
        super().__init__(
            f"the registry at {place} has schema {found}, which is newer than this hepwatch's schema {expected}",
            advice="install the hepwatch release that upgraded this registry, or a later one",
        )


class DatabaseUnreachable(DeliveryError):
    """The database did not answer."""

    def __init__(self, *, place: str, reason: str) -> None:
        super().__init__(
            f"the database at {place} did not answer: {reason}",
            advice="check that it runs and that HEPWATCH_DATABASE_URL names it; nothing was changed",
        )


class DatabaseRefused(DeliveryError):
    """The database answered, but its user may not do what a registry needs."""

    def __init__(self, *, place: str, reason: str) -> None:
        super().__init__(
            f"the database at {place} refused: {reason}",
            advice="let the user in HEPWATCH_DATABASE_URL make and change tables in this database's schema",
        )


class DatabaseUrlNotUnderstood(DeliveryError):
    """HEPWATCH_DATABASE_URL is no address that we know."""

    def __init__(self) -> None:
        super().__init__(
            "HEPWATCH_DATABASE_URL is not an address of SQLite or PostgreSQL",
            advice="write sqlite:///FILE or postgresql://USER@HOST/DATABASE",
        )


class DriverMissing(DeliveryError):
    """PostgreSQL is asked for, but its driver is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the registry is on PostgreSQL, but psycopg, its driver, is not installed or cannot be loaded",
            advice="install it with `pip install hepwatch[postgresql]`",
        )


class KeyMissing(DeliveryError):
    """No key is configured, and none may be made up."""

    def __init__(self, *, looked_for: Path | None) -> None:
        beside = f", and there is no {looked_for}" if looked_for else ""
        super().__init__(
            f"no key to encrypt identities with: neither HEPWATCH_KEY nor HEPWATCH_KEY_FILE is set{beside}",
            advice="restore the key file that was made with this registry; for a new registry make one: "
            "`umask 077; openssl rand -hex 32 > hepwatch.key`, and set HEPWATCH_KEY_FILE to it",
        )


class KeyFileUnreadable(DeliveryError):
    """The key file that is named cannot be read."""

    def __init__(self, *, path: Path) -> None:
        super().__init__(
            f"the key file {path} cannot be read", advice="check the path and that the file belongs to you"
        )


class KeyFileExposed(DeliveryError):
    """Others than its owner can read the key file."""

    def __init__(self, *, path: Path) -> None:
        super().__init__(
            f"the key file {path} can be read or changed by others than its owner", advice=f"run `chmod 600 {path}`"
        )


class KeyMalformed(DeliveryError):
    """What should be the key is not 64 hexadecimal digits."""

    def __init__(self, *, source: str, length: int) -> None:
        super().__init__(
            f"the key in {source} is not 64 hexadecimal digits; it has {length} characters",
            advice="give the key exactly as it was made",
        )


class WrongKey(DeliveryError):
    """The key is well formed, but it is not this registry's."""

    def __init__(self, *, place: str) -> None:
        super().__init__(
            f"the key does not belong to the registry at {place}; nothing was read or changed",
            advice="set HEPWATCH_KEY or HEPWATCH_KEY_FILE to the key that was made with this registry",
        )


class IdentityUnreadable(DeliveryError):
    """An encrypted identity was changed, or moved to another patient."""

    def __init__(self, *, patient_id: int) -> None:
        super().__init__(
            f"the identity of patient {patient_id} cannot be decrypted: it was altered, or moved from another patient",
            advice="restore the identity from a backup and look at the patient's audit rows",
        )


class RuleTextNotFound(NotFound):
    """No rule text with this digest was ever used in this registry."""

    def __init__(self, *, digest: str) -> None:
        super().__init__(
            f"the registry holds no rule text with digest {digest}",
            advice="check the digest; `hepwatch rules list` shows those of the present rules",
        )


class StoredAlready(Conflict):
    """Somebody else stored the same thing first."""

    def __init__(self, *, table: str) -> None:
        super().__init__(
            f"one of the {table} was stored already, by somebody else or under another number; nothing was changed",
            advice="look at the present state and repeat the action",
        )


class ChangedMeanwhile(Conflict):
    """Somebody else changed the same rows first."""

    def __init__(self, *, table: str, expected: int, found: int) -> None:
        super().__init__(
            f"of {expected} {table} to change only {found} are still as they were read; nothing was changed",
            advice="look at the present state and repeat the action",
        )


class RegistryBusy(Conflict):
    """Another writer held the registry too long."""

    def __init__(self, *, place: str) -> None:
        super().__init__(
            f"the registry at {place} is busy with another change; nothing was changed",
            advice="wait for the other change to end, then repeat the action",
        )
