"""How a table is declared: the naming of constraints, the identity of a row, a closed set of words."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, MetaData, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")  # SQLite keeps rows by their id only where its type is INTEGER


def own_id() -> Column[int]:
    """The identity of a row; `Transaction.reserve_ids` gives them out."""
    return Column("id", Id, Identity(always=False), primary_key=True)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """The promise that a column holds one of these words, or nothing where it may.

    Written with OR: SQLite builds a table for the words of an IN, for each row anew, which doubled the cost of a visit.
    """
    return CheckConstraint(" OR ".join(f"{column} = '{word}'" for word in words), name=column)


def only_where(name: str, promise: str, *columns: str, unique: bool = False) -> Index:
    """An index over the rows for which the promise holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(promise), postgresql_where=text(promise))
