"""Verify the audit trail."""

from scheduler.errors import Conflict
from scheduler.store.registry import Registry


class AuditBroken(Conflict):
    """An audit row that is not what was written."""

    def __init__(self, *, position: int) -> None:
        super().__init__(
            f"the audit trail breaks at row {position}: it, or one beside it, was changed, removed, moved or added",
            advice="Keep this database as it is, and compare it with a backup before anybody works on.",
        )


def verify_audit(registry: Registry) -> int:
    """How many audit rows there are, all of them as written. Raises `AuditBroken` at the first that is not."""
    with registry.reading() as reading:
        broken = reading.verify_audit_chain()
        if broken is not None:
            raise AuditBroken(position=broken)
        return reading.counts()["audit_rows"]
