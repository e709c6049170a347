"""Recency: what each sending application said last about a resource.

Instants of two applications cannot be compared, so each has its own; they stand beside each other,
one line per application, in the two columns of the resource.
"""

from __future__ import annotations


def last_said(recency: str, source: str, application: str) -> str:
    """Return the newest instant the application stated; "" when it stated none."""
    if source == application:
        return recency
    if "\n" not in source:
        return ""
    return dict(zip(source.split("\n"), recency.split("\n"), strict=True)).get(application, "")


def said(recency: str, source: str, application: str, stated: str) -> tuple[str, str]:
    """Return both columns after a statement; an older instant does not take back a newer one."""
    if source == application or not source:
        return max(recency, stated), application
    lines = dict(zip(source.split("\n"), recency.split("\n"), strict=True))
    lines[application] = max(lines.get(application, ""), stated)
    return "\n".join(lines.values()), "\n".join(lines)


def application_name(sender: str) -> str:
    """Return a sender's name fit for the column: one line."""
    return sender.replace("\n", " ")
