"""Let an event be taken back with a reason, and let a treating team acknowledge a hand-over.

An event that was recorded by mistake (a death above all) stays, with who took it back, when and why; recorded again it
has the next number.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
BEFORE = (
    "recurrence",
    "curative_treatment",
    "non_curative_treatment",
    "death",
    "transplant",
    "transfer",
    "transfer_accepted",
    "lost",
    "last_seen",
    "second_primary",
    "consent_withdrawn",
    "reopened",
)
UNIQUE = "uq_events_patient_id_event_happened_on_detail"
WITHDRAWN = (("withdrawn_at", MOMENT), ("withdrawn_by", sa.Text()), ("withdrawn_because", sa.Text()))
SAID = "(withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND (withdrawn_at IS NULL) = (withdrawn_because IS NULL)"


def as_it_was() -> sa.Table:
    """The table as revision 0005 left it; SQLite can change a constraint only by building the table anew."""
    return sa.Table("events", sa.MetaData(), *columns(), *promises(BEFORE, unique_by_number=False))


def as_it_is() -> sa.Table:
    """The table as this revision leaves it."""
    taken_back = [sa.Column(name, kind, nullable=True) for name, kind in WITHDRAWN]
    said = sa.CheckConstraint(SAID, name=op.f("ck_events_withdrawn_says_by_whom_and_why"))
    return sa.Table(
        "events",
        sa.MetaData(),
        *columns(),
        *taken_back,
        said,
        *promises((*BEFORE, "acknowledged"), unique_by_number=True),
    )


def columns() -> list[sa.Column]:
    """The columns that both have."""
    return [
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, server_default=""),
        sa.Column("number", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
    ]


def promises(events: tuple[str, ...], *, unique_by_number: bool) -> list[sa.Constraint]:
    """The named constraints."""
    key = ["patient_id", "event", "happened_on", "detail"]
    unique = (
        sa.UniqueConstraint(*key, "number", name=op.f(f"{UNIQUE}_number"))
        if unique_by_number
        else sa.UniqueConstraint(*key, name=op.f(UNIQUE))
    )
    return [
        sa.CheckConstraint(words(events), name=op.f("ck_events_event")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_events_number")),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_events_episode_id_episodes")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_events_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        unique,
    ]


def words(events: tuple[str, ...]) -> str:
    """The promise that an event is one of these."""
    return " OR ".join(f"event = '{event}'" for event in events)


def upgrade() -> None:
    """Add the columns, the word, and the number to what makes an event one."""
    with op.batch_alter_table("events", copy_from=as_it_was()) as batch:
        batch.drop_constraint(op.f("ck_events_event"), type_="check")
        batch.create_check_constraint(op.f("ck_events_event"), words((*BEFORE, "acknowledged")))
        batch.drop_constraint(op.f(UNIQUE), type_="unique")
        batch.create_unique_constraint(
            op.f(f"{UNIQUE}_number"), ["patient_id", "event", "happened_on", "detail", "number"]
        )
        for name, kind in WITHDRAWN:
            batch.add_column(sa.Column(name, kind, nullable=True))
        batch.create_check_constraint(op.f("ck_events_withdrawn_says_by_whom_and_why"), SAID)


def downgrade() -> None:
    """Go back; what was taken back, and what the older schema has no word for, goes."""
    op.execute("DELETE FROM events WHERE withdrawn_at IS NOT NULL OR event = 'acknowledged'")
    with op.batch_alter_table("events", copy_from=as_it_is()) as batch:
        batch.drop_constraint(op.f("ck_events_withdrawn_says_by_whom_and_why"), type_="check")
        for name, _ in reversed(WITHDRAWN):
            batch.drop_column(name)
        batch.drop_constraint(op.f(f"{UNIQUE}_number"), type_="unique")
        batch.create_unique_constraint(op.f(UNIQUE), ["patient_id", "event", "happened_on", "detail"])
        batch.drop_constraint(op.f("ck_events_event"), type_="check")
        batch.create_check_constraint(op.f("ck_events_event"), words(BEFORE))
