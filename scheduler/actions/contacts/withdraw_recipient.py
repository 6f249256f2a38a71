"""Let somebody of a site's staff not be told any more, with a reason."""

from scheduler.actions.contacts.site_recipient import (
    ACTIVE,
    WITHDRAWN,
    Named,
    Recipient,
    RecipientNotFound,
    in_role,
    newest_recipient,
    say_of,
    store_version,
)
from scheduler.actions.one_patient import Said, given
from scheduler.store.registry import Registry


def withdraw_recipient(registry: Registry, named: Named, *, reason: str, actor: str) -> Recipient:
    """Withdraw a recipient, whose reminders go to the others in the role from now on; the reason is in the audit.

    Raises `ReasonNeeded`, `SiteNotFound`, and `RecipientNotFound` for one that is not told.
    """
    said = Said(by=actor, reason=given(reason, doing="withdrawing a recipient"))
    with registry.transaction() as transaction:
        before = newest_recipient(transaction, named)
        if before is None or before.state != ACTIVE:
            raise RecipientNotFound(site=named.site, role=named.role.value, known=in_role(transaction, named))
        cells = {"version": before.version + 1, "channel": before.channel, "language": before.language}
        store_version(transaction, named, **cells, address=None, state=WITHDRAWN, recorded_by=actor)
        say_of(transaction, named, "withdraw_recipient", said, version=before.version + 1)
        withdrawn = newest_recipient(transaction, named)
    assert withdrawn is not None
    return withdrawn
