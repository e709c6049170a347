"""What a verification found, in words for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where log, heads and events do not agree."""

    #: First leaf number concerned; -1 when it is about no leaf.
    index: int
    #: Last leaf number concerned: more than one only where nothing narrower can be said.
    last: int
    #: form, number, time, class, root, head, opening, missing, erasure, beyond, uncovered,
    #: unnumbered or anchor.
    rule: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """Render for `--json`."""
        return {"index": self.index, "last": self.last, "rule": self.rule, "text": self.text}


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a verification."""

    #: Number of leaves read.
    size: int
    #: Root over all leaves read.
    root: bytes
    #: Events that opened their commitments, and events covered by tombstones.
    opened: int
    erased: int
    findings: tuple[Finding, ...]
    #: Size of the largest head from outside that agreed; 0 when there was none.
    anchored: int = 0

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.findings

    @property
    def scope(self) -> str:
        """What an operator with full control over the store could not have forged."""
        if self.anchored:
            return f"leaves 0 to {self.anchored - 1} agree with a head kept outside"
        return "internal consistency only: no checkpoint lies outside the gateway"

    def as_json(self) -> dict[str, Any]:
        """Render for `--json`."""
        return {
            "ok": self.ok,
            "scope": self.scope,
            "size": self.size,
            "root": self.root.hex(),
            "opened": self.opened,
            "erased": self.erased,
            "anchored": self.anchored,
            "findings": [finding.as_json() for finding in self.findings],
        }


def merged(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort findings and join neighbours that say the same."""
    result: list[Finding] = []
    for finding in sorted(findings, key=lambda one: (one.rule, one.text, one.index)):
        before = result[-1] if result else None
        if (
            before is not None
            and (before.rule, before.text) == (finding.rule, finding.text)
            and before.index <= finding.index <= before.last + 1
        ):
            last = max(before.last, finding.last)
            result[-1] = Finding(before.index, last, before.rule, before.text)
        else:
            result.append(finding)
    return tuple(sorted(result, key=lambda one: (one.index, one.last - one.index, one.rule)))
