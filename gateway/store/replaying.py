"""Opening messages again, so that they can be processed as the configuration is now."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.store.unit import Unit


def reopen(unit: Unit, numbers: Iterable[int]) -> set[int]:
    """Set quarantined and unrouted messages back to received; return those that were."""
    found = {
        row[0]
        for row in unit.db.query_in(
            "SELECT message FROM message WHERE message {ints}"
            " AND state IN ('quarantined', 'unrouted') ORDER BY message {lock}",
            sorted(set(numbers)),
        )
    }
    unit.db.executemany(
        "UPDATE message SET state = 'received', reason = 'operator-replay' WHERE message = ?",
        [(number,) for number in sorted(found)],
    )
    return found
