"""What became of a file: the answers to its messages, as a file for its sender and as a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.endpoints.folder import notes
from profiles.issue import Issue
from profiles.reading import write_json

HL7V2 = "hl7v2"
_GRAVE = frozenset({"error", "fatal"})


class Answered(Protocol):
    """What a message is answered with."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def data(self) -> bytes | None:
        """Acknowledgement message, where the format has one."""

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What is wrong with it, or worth knowing."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to all messages of one file."""

    messages: Sequence[Answered]
    #: What is wrong around the messages: an end that is missing, a count that does not fit.
    around: tuple[Issue, ...] = ()

    @property
    def unavailable(self) -> bool:
        """Something could not be stored now; the whole file comes again."""
        return any(one.status == 503 for one in self.messages)

    @property
    def refused(self) -> int:
        """How many messages were not accepted."""
        return sum(one.status >= 400 for one in self.messages)

    @property
    def good(self) -> bool:
        """Everything was accepted, and nothing seems to be missing."""
        return not self.refused and self._complete

    @property
    def _complete(self) -> bool:
        return not any(one.severity in _GRAVE for one in self.around)

    def acknowledgement(self, format_: str) -> bytes:
        """Write it for a machine: the message HL7 v2 has for it, else JSON, one entry a message."""
        if format_ == HL7V2:
            return b"".join(one.data or b"" for one in self.messages)
        entries = [_entry(one.status, one.issues) for one in self.messages]
        if self.around:
            entries.append(_entry(200 if self._complete else 422, self.around))
        return write_json(entries)

    def explanation(self, name: str, when: str) -> str:
        """Write it for people; with several messages each place says which one is meant."""
        several = len(self.messages) > 1
        findings = list(self.around)
        for number, one in enumerate(self.messages, start=1):
            if one.status >= 400:
                said = one.issues
                findings += [_within(number, issue) for issue in said] if several else said
        stored = len(self.messages) - self.refused
        return notes.explain(name, when, findings, unharmed=stored, total=len(self.messages))


def _within(number: int, issue: Issue) -> Issue:
    return replace(issue, location=f"record {number} {issue.location}".strip())


def _entry(status: int, issues: Sequence[Issue]) -> dict[str, object]:
    told = [
        {"severity": one.severity, "code": one.code, "text": one.text, "location": one.location}
        for one in issues
    ]
    return {"status": status, "issue": told}
