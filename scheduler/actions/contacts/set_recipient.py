"""Record who of a site's staff is told, and how, or change it: each change is a new version."""

from dataclasses import dataclass

from scheduler.actions.contacts.reaching import Reach, combined
from scheduler.actions.contacts.site_recipient import (
    ACTIVE,
    CODE,
    NOBODYS_CODE,
    CodeRefused,
    Named,
    Recipient,
    address_of,
    newest_recipient,
    say_of,
    site_id_of,
    store_version,
)
from scheduler.actions.one_patient import Said
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientSet:
    """A recipient as it is now, and whether anything changed."""

    recipient: Recipient
    is_changed: bool


def set_recipient(registry: Registry, named: Named, wanted: Reach, *, actor: str) -> RecipientSet:
    """Store who is told in a role at a site, and how; what is None stays as it was, and is the policy's at first.

    Nothing of one that was withdrawn is taken over. The same again changes nothing. The audit says what changed, and
    no address. Raises `CodeRefused`, `NotReachable`, `AddressNeeded` and `SiteNotFound`.
    """
    if not CODE.fullmatch(named.code) or named.code == NOBODYS_CODE:
        raise CodeRefused()
    with registry.transaction() as transaction:
        newest = newest_recipient(transaction, named)
        before = newest if newest is not None and newest.state == ACTIVE else None
        standing = _reach(transaction, named, before)
        reach = combined(wanted, standing)
        is_changed = before is None or reach != standing
        if is_changed:
            cells = {"version": newest.version + 1 if newest else 1, "channel": reach.channel}
            cells |= {"language": reach.language}
            store_version(transaction, named, **cells, address=reach.address, state=ACTIVE, recorded_by=actor)
            transaction.let_refused_go_again(site_id_of(transaction, named.site), f"{named.role.value}:{named.code}")
            changed = reach.address != standing.address
            say_of(transaction, named, "set_recipient", Said(by=actor, reason=None), **cells, address_changed=changed)
        recipient = newest_recipient(transaction, named)
    assert recipient is not None
    return RecipientSet(recipient=recipient, is_changed=is_changed)


def _reach(reading: Reading, named: Named, before: Recipient | None) -> Reach:
    """How the recipient is reached now; nothing of one that is not told."""
    if before is None:
        return Reach()
    return Reach(channel=before.channel, address=address_of(reading, named), language=before.language)
