"""The clock of a stored resource: when each sending application said each element last.

A mapper writes it into `meta.extension` (`mappers.recency`). It is kept beside the body, not in it:
what is stored is what is read and sent, and a statement that only repeats makes no new version.
Instants of two applications cannot be compared, so each has its own line in the two columns.
"""

from __future__ import annotations

from typing import Any

from mappers.recency import CLOCK

Resource = dict[str, Any]


def take_off(resource: Resource) -> tuple[Resource, str]:
    """Return the resource without its clock, and the clock; the argument stays as it is."""
    meta = resource.get("meta")
    extensions = meta.get("extension") if meta is not None else None
    if meta is None or not extensions:
        return resource, ""
    clock, kept = "", []
    for extension in extensions:
        if extension.get("url") == CLOCK:
            clock = str(extension.get("valueString", ""))
        else:
            kept.append(extension)
    if len(kept) == len(extensions):
        return resource, ""
    rest = {name: value for name, value in meta.items() if name != "extension"}
    if kept:
        rest["extension"] = kept
    shown = {name: value for name, value in resource.items() if name != "meta"}
    if rest:
        shown["meta"] = rest
    return shown, clock


def base(clock: str) -> str:
    """Return the instant that holds for every element a clock does not name."""
    return clock.partition(" ")[0].removeprefix("*=")


def is_plain(clock: str) -> bool:
    """Say whether all elements have one instant."""
    return " " not in clock


def line_of(recency: str, source: str, application: str) -> str:
    """Return the application's clock from the columns; "" when it said nothing yet."""
    if source == application:
        return recency
    if "\n" not in source:
        return ""
    return dict(zip(source.split("\n"), recency.split("\n"), strict=True)).get(application, "")


def with_line(recency: str, source: str, application: str, clock: str) -> tuple[str, str]:
    """Return both columns with the application's clock set."""
    if source in {"", application}:
        return clock, application
    lines = dict(zip(source.split("\n"), recency.split("\n"), strict=True))
    lines[application] = clock
    return "\n".join(lines.values()), "\n".join(lines)


def application_name(sender: str) -> str:
    """Return a sender's name fit for the column: one line, never empty."""
    return sender.replace("\n", " ") or "-"
