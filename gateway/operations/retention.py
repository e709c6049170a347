"""Deleting what is past its time, on demand; the serving process also does it by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from gateway.operations.desk import Desk
from gateway.store import retention
from gateway.store.store import Store


def run(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Delete everything past its time: {}; the audit log keeps tombstones."""
    del arguments
    report = retention.run(cast("Store", desk.store), desk.site())
    desk.write(lambda tx: desk.record(tx, "retention", []))
    return asdict(report)
