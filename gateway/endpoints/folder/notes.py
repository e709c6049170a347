"""What was wrong with a record, in plain German, for the people who look into the error folder.

Never a value of the record: the place, the kind of fault, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol


class Finding(Protocol):
    """One thing that is wrong (`profiles.issue.Issue`)."""

    @property
    def severity(self) -> str:
        """FHIR issue severity."""

    @property
    def code(self) -> str:
        """FHIR issue type."""

    @property
    def text(self) -> str:
        """One sentence in the standard's words."""

    @property
    def location(self) -> str:
        """Where it stands: `line 7 FK 3101`, `PID-3`, `Patient.name[0]`."""

    @property
    def line(self) -> int:
        """Line of the file, from 1, where the location does not say it; 0 is unknown."""


#: FHIR issue type → what is wrong, what to do.
_KINDS: dict[str, tuple[str, str]] = {
    "structure": ("Der Aufbau stimmt nicht.", "Datei neu exportieren; sonst den Hersteller fragen"),
    "required": ("Eine Pflichtangabe fehlt.", "Angabe ergänzen"),
    "value": ("Ein Wert ist hier nicht erlaubt.", "Wert berichtigen"),
    "invalid": ("Ein Inhalt ist ungültig.", "Inhalt berichtigen"),
    "invariant": ("Angaben widersprechen einander.", "Angaben berichtigen"),
    "code-invalid": ("Ein Schlüssel ist hier nicht bekannt.", "Schlüssel berichtigen"),
    "business-rule": ("Eine Regel der Region ist verletzt.", "Angaben prüfen"),
    "not-supported": ("Diese Art von Nachricht wird hier nicht angenommen.", "Region fragen"),
    "forbidden": ("Dieser Absender darf hier nicht senden.", "Region fragen"),
    "too-costly": ("Die Nachricht ist zu groß.", "Kleinere Teile senden"),
    "duplicate": ("Eine Angabe kommt mehrfach vor.", "Angaben prüfen"),
}
_OTHERWISE = ("Die Nachricht konnte nicht angenommen werden.", "Region fragen")
_LINE = re.compile(r"\bline (\d+)")
_FIELD = re.compile(r"\bFK ?(\d{4})")
_RECORD = re.compile(r"\brecord (\d+)")
_GRAVE = frozenset({"error", "fatal"})
#: Findings that are listed; more are counted.
MOST = 50


def explain(
    name: str, when: str, findings: Sequence[Finding], *, unharmed: int = 0, total: int = 1
) -> str:
    """Write the text beside a record that was not accepted.

    `unharmed` of the `total` messages of the file were stored all the same.
    """
    grave = [one for one in findings if one.severity in _GRAVE] or list(findings)
    lines = [
        f"Datei:  {name}",
        f"Zeit:   {when}",
        "",
        _extent(unharmed, total),
        "",
        "Was nicht stimmt:",
    ]
    for number, one in enumerate(grave[:MOST], start=1):
        lines += _entry(number, one)
    if len(grave) > MOST:
        lines.append(f"… und {len(grave) - MOST} weitere.")
    lines += [
        "",
        "Was zu tun ist:",
        "Berichtigen Sie die Angaben im sendenden Programm und stellen Sie die Datei neu ein.",
        "Was schon gespeichert ist, wird dabei nicht doppelt verarbeitet.",
        "Diese Datei und dieser Text dürfen gelöscht werden.",
    ]
    return "\n".join(lines) + "\n"


def _extent(unharmed: int, total: int) -> str:
    """Say how much of a file was stored."""
    if not unharmed:
        return "Diese Datei wurde NICHT angenommen."
    if unharmed < total:
        return (
            f"Diese Datei wurde nur teilweise angenommen: {unharmed} von {total} Nachrichten "
            "sind gespeichert, die übrigen nicht."
        )
    return f"Alles Lesbare ist gespeichert ({total} Nachricht(en)); die Datei ist unvollständig."


def refused(name: str, when: str, reason: str) -> str:
    """Write the text beside a file that could not even be read; `reason` is a German sentence."""
    lines = [
        f"Datei:  {name}",
        f"Zeit:   {when}",
        "",
        "Diese Datei wurde NICHT angenommen.",
        "",
        "Was nicht stimmt:",
        f"1. {reason}",
        "",
        "Was zu tun ist:",
        "Legen Sie eine gewöhnliche, nicht zu große Datei in den Ordner.",
    ]
    return "\n".join(lines) + "\n"


def _entry(number: int, one: Finding) -> list[str]:
    wrong, remedy = _KINDS.get(one.code, _OTHERWISE)
    place = where(one.location or one.text, one.line)
    lines = [f"{number}. {place}{wrong}"]
    if one.text:
        lines.append(f"   Meldung: {one.text}")
    if one.location:
        lines.append(f"   Stelle:  {one.location}")
    lines.append(f"   Abhilfe: {remedy}.")
    return lines


def where(location: str, line: int = 0) -> str:
    """Say a place as people count it: `Zeile 7, Feldkennung 3101: `; "" when it names neither."""
    found = (("Nachricht", _RECORD), ("Zeile", _LINE), ("Feldkennung", _FIELD))
    numbers = {word: match[1] for word, rule in found if (match := rule.search(location))}
    if line:
        numbers.setdefault("Zeile", str(line))
    parts = [f"{word} {numbers[word]}" for word, _ in found if word in numbers]
    return f"{', '.join(parts)}: " if parts else ""
