"""Telling the story: every step's facts as JSON, or in German for people. Nothing else is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.cli.output import console, show

Facts = Mapping[str, Any]
#: What happened, in one word, and the rest of the line.
Line = tuple[str, str]

#: Chapter headings, before the first step that belongs to them.
_CHAPTERS = {
    "started": "Eine Region entsteht",
    "acknowledged": "Das Krankenhaus sendet",
    "consented": "Die Patientin willigt ein",
    "received": "Was angekommen ist",
    "paused": "Die Patientin widerruft",
    "worklist": "Was bleibt",
}
_MESSAGES = {
    "ADT^A01": "Aufnahme",
    "ORU^R01": "Laborbefund",
    "ADT^A03": "Entlassung",
    "MDM^T02": "Entlassbrief",
    "MDM^T08": "Entlassbrief, korrigiert",
}
_STATES = {
    "waiting_for_consent": "wartet",
    "queued": "eingereiht",
    "delivered": "zugestellt",
    "cancelled_by_consent": "gestoppt",
}
_DECISIONS = {"permit": "erlaubt", "deny": "verweigert", "redact": "geschwärzt"}
_REGISTERED = {
    "organization": "Organisationen",
    "endpoint": "Endpunkte",
    "route": "Routen",
    "practitioner": "Arztnummern",
    "dialect": "Dialekte",
}
_WIDTH = 14


class Teller:
    """Says every step as it happens."""

    def __init__(self, *, as_json: bool) -> None:
        """One JSON object a step, or German lines."""
        self._as_json = as_json
        self._console = console()
        self._chapters = dict(_CHAPTERS)

    def step(self, name: str, facts: Facts) -> None:
        """Tell one step."""
        if self._as_json:
            show({"step": name, **facts}, as_json=True, human=lambda _: None)
            return
        heading = self._chapters.pop(name, "")
        if heading:
            self._console.print(f"\n{heading}", style="bold")
        for label, text in _TELL[name](facts):
            self._line(label, text)

    def _line(self, label: str, text: str) -> None:
        """Print a line whose text stays in its column when it is long."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=_WIDTH, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(Text(f"  {label}", style=_STYLES.get(label, "cyan")), Text(text))
        self._console.print(grid)


_STYLES = {"verweigert": "red", "gestoppt": "red", "wartet": "yellow", "eingereiht": "yellow"}


def _started(facts: Facts) -> Iterator[Line]:
    yield "Ordner", facts["folder"]
    counts = facts["registered"]
    named = [f"{counts[kind]} {name}" for kind, name in _REGISTERED.items() if kind in counts]
    yield "registriert", f"{facts['region']}: {', '.join(named)} (Revision {facts['revision']})"
    http = facts["http"].removeprefix("http://")
    yield (
        "Gateway",
        f"nimmt nach {_number(facts['seconds'])} s an: HL7 v2 über MLLP auf {facts['mllp']}, "
        f"FHIR auf {http}; Speicher: {facts['store']}",
    )
    partners = ", ".join(f"{name} auf Port {port}" for name, port in facts["partners"].items())
    yield "Partner", f"je ein Prozess für sich: {partners}"


def _acknowledged(facts: Facts) -> Iterator[Line]:
    title = _MESSAGES.get(facts["message_type"], "")
    yield "▸ Nachricht", f"{facts['message_type']} {title} ({facts['control_id']})"
    when = ", erst nach dem Commit" if facts["acknowledge"] == "on_processing" else ""
    yield "quittiert", f"{facts['code']} nach {_number(facts['milliseconds'])} ms{when}"


def _translated(facts: Facts) -> Iterator[Line]:
    unmapped = facts["unmapped"]
    rest = f" ({', '.join(unmapped)}: im Verlustbericht und im Original erhalten)"
    yield (
        "übersetzt",
        f"{facts['fields']} Felder: {facts['mapped']} abgebildet, {facts['ignored']} begründet "
        f"übergangen, {len(unmapped)} nicht abgebildet{rest if unmapped else ''}",
    )
    yield "ergibt", _counted(facts["resources"])
    yield (
        "belegt",
        f"Provenance nennt {len(facts['targets'])} Versionen und das Original: "
        f"SHA-256 {facts['sha256'][:16]}…",
    )


def _decided(facts: Facts) -> Iterator[Line]:
    title = f"{facts['control_id']}"
    if not facts["deliveries"]:
        yield "bleibt hier", f"{title}: keine Route will diese Nachricht; sie ist nur gespeichert"
    for one in facts["deliveries"]:
        yield _STATES.get(one["state"], one["state"]), f"{title}: {one['sentence']}"


def _consented(facts: Facts) -> Iterator[Line]:
    yield (
        "Einwilligung",
        f"von der Praxis gesendet, HTTP {facts['status']} nach {_number(facts['milliseconds'])} ms",
    )
    shared = facts["shared_system"]
    kept = []
    for one in facts["records"]:
        own = [each["value"] for each in one["identifiers"] if each["system"] != shared]
        kept.append(f"{one['organization']} {', '.join(own)}")
    values = {
        each["value"]
        for one in facts["records"]
        for each in one["identifiers"]
        if each["system"] == shared
    }
    yield (
        "verknüpft",
        f"{' und '.join(kept)}: eine Person, gleiche KVNR {', '.join(sorted(values))}",
    )


def _released(facts: Facts) -> Iterator[Line]:
    for one in facts["deliveries"]:
        yield from _judged(facts["control_id"], one)


def _judged(title: str, one: Facts) -> Iterator[Line]:
    state = _STATES.get(one["state"], one["state"])
    yield (
        _DECISIONS.get(one["decision"], one["decision"]),
        f"{title}: {one['sentence']} → {state}",
    )


def _received(facts: Facts) -> Iterator[Line]:
    if "messages" in facts:
        for one in facts["messages"]:
            yield (
                facts["partner"],
                f"{one['message_type']} {one['control_id']} im Original: {one['same_segments']} "
                f"Segmente Byte für Byte gleich, MSH neu an {one['receiver']}; "
                f"quittiert {one['acknowledgement']}",
            )
    elif facts["transactions"]:
        yield facts["partner"], f"{len(facts['transactions'])} Transaktionen, hält jetzt:"
        yield "", _counted(facts["holds"])
        for one in facts["pdf"]:
            yield "", f"PDF mit {one['bytes']} Bytes, Byte für Byte wie gesendet"
    else:
        yield facts["partner"], "hat nichts erhalten"


def _paused(facts: Facts) -> Iterator[Line]:
    yield "Betrieb", f"gateway endpoint pause {facts['endpoint']}"


def _queued(facts: Facts) -> Iterator[Line]:
    for one in facts["deliveries"]:
        yield from _judged(f"Nachricht {facts['message']}", one)


def _withdrawn(facts: Facts) -> Iterator[Line]:
    yield (
        "Widerruf",
        f"von der Praxis gesendet, HTTP {facts['status']} nach {_number(facts['milliseconds'])} ms",
    )
    for one in facts["deliveries"]:
        text = f"Nachricht {one['message']}: {one['sentence']} Gesendet: {one['attempts']}-mal"
        yield _STATES.get(one["state"], one["state"]), text


def _resumed(facts: Facts) -> Iterator[Line]:
    since = facts["received_since"]
    yield (
        "Betrieb",
        f"gateway endpoint resume {facts['endpoint']}: "
        f"{sum(facts['undone'].values())} offene Zustellungen, {since} seither angekommen",
    )


def _worklist(facts: Facts) -> Iterator[Line]:
    count = len(facts["items"])
    text = f"{count} Aufgaben für Menschen" if count else "nichts wartet auf einen Menschen"
    yield "Arbeitsliste", f"{text} (Nachrichten: {facts['messages']}, Status {facts['status']})"


def _audited(facts: Facts) -> Iterator[Line]:
    yield (
        "Protokoll",
        f"{facts['size']} Blätter, Wurzel {facts['root'][:16]}…, {facts['opened']} Ereignisse "
        f"geöffnet, {len(facts['findings'])} Widersprüche",
    )
    scope = "nur in sich stimmig: kein Prüfpunkt liegt außerhalb des Gateways"
    if facts["anchored"]:
        scope = f"bis Blatt {facts['anchored']} von außen bestätigt"
    yield "Reichweite", f"{scope} ({facts['scope']})"


def _ended(facts: Facts) -> Iterator[Line]:
    left = f"; der Ordner bleibt: {facts['kept']}" if facts["kept"] else ", der Ordner gelöscht"
    yield "Ende", f"nach {_number(facts['seconds'])} s; alle Prozesse beendet{left}"


#: How each step is told.
_TELL: dict[str, Callable[[Facts], Iterator[Line]]] = {
    "started": _started,
    "acknowledged": _acknowledged,
    "translated": _translated,
    "decided": _decided,
    "consented": _consented,
    "released": _released,
    "received": _received,
    "paused": _paused,
    "queued": _queued,
    "withdrawn": _withdrawn,
    "resumed": _resumed,
    "worklist": _worklist,
    "audited": _audited,
    "ended": _ended,
}


def _counted(kinds: Mapping[str, int]) -> str:
    """Write how many there are of each kind."""
    return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in kinds.items())


def _number(value: float) -> str:
    """Write a number as in German."""
    return f"{value:.1f}".replace(".", ",")
