"""An exchange folder: where it is, and what both sides hold to in it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.time import SECOND

_HOUR = 3_600 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """An exchange folder of a `folder` endpoint.

    Durations are in microseconds."""

    #: The folder itself, perhaps on a network share.
    path: str
    #: Names of records (in); upper and lower case are the same.
    pattern: tuple[str, ...] = (
        "*.gdt",
        "*.bdt",
        "*.ldt",
        "*.[0-9][0-9][0-9]",
        "*.hl7",
        "*.json",
    )
    #: Folder in which stored records are kept (in); empty deletes them, the store has the bytes.
    archive: str = ""
    #: Folder for records that were not accepted (in), each with a text that says why, in German.
    error: str = "fehler"
    #: Which records are answered with a file NAME.ack beside them (in): none, errors or all.
    answer: str = "none"
    #: How often it is looked at (in).
    poll: int = 2 * SECOND
    #: How long a file must stay as it is before it is taken (in).
    stable: int = 2 * SECOND
    #: How long the files that a record names are waited for (in).
    patience: int = 60 * SECOND
    #: How long a claim holds without a sign of life from the gateway that made it.
    lease: int = 60 * SECOND
    #: Name of what is written (out): # are digits of a counter (`EDV1GTWY.###`), `{delivery}` is
    #: the identity of the delivery; with neither, one file waits until the last was collected.
    name: str = "{delivery}"
    #: Age at which a file that nobody has collected or taken shows in `status` and the work list.
    overdue: int = 4 * _HOUR
