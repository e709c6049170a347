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
    "decided": "Noch hat niemand eingewilligt",
    "consented": "Die Patientin willigt ein",
    "received": "Was angekommen ist",
    "paused": "Die Patientin widerruft",
    "worklist": "Was bleibt",
}
_MESSAGES = {
    "ADT^A01": "Aufnahme",
    "ORU^R01": "Laborbefund",
    "ADT^A03": "Entlassung",
    "MDM^T02": "Entlassbrief mit PDF",
    "MDM^T08": "korrigierter Entlassbrief",
}
_STATES = {
    "waiting_for_consent": "wartet",
    "queued": "eingereiht",
    "delivered": "zugestellt",
    "cancelled_by_consent": "gestoppt",
}
_DECISIONS = {"permit": "erlaubt", "deny": "verweigert", "redact": "geschwärzt"}
_REGISTERED = {"organization": "Organisationen", "endpoint": "Endpunkte", "route": "Routen"}
_COLORS = {"verweigert": "red", "gestoppt": "red", "wartet": "yellow", "Nachricht": "bold"}
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
        """Print a line; on a terminal its text stays in its column when it is long."""
        if not self._console.is_terminal:
            self._console.print(f"  {label:<{_WIDTH - 2}} {text}", soft_wrap=True)
            return
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=_WIDTH, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(Text(f"  {label}", style=_COLORS.get(label, "cyan")), Text(text))
        self._console.print(grid)


def _started(facts: Facts) -> Iterator[Line]:
    yield "Ordner", facts["folder"]
    counts = facts["registered"]
    named = [f"{counts.get(kind, 0)} {name}" for kind, name in _REGISTERED.items()]
    yield "registriert", f"{facts['region']}: {', '.join(named)} (Revision {facts['revision']})"
    open_ = f"HL7 v2 über MLLP auf {facts['mllp']}, FHIR auf {facts['http']}"
    yield (
        "Gateway",
        f"bereit nach {_number(facts['seconds'])} s: {open_} ({facts['store']})",
    )
    partners = ", ".join(f"{name} ({port})" for name, port in facts["partners"].items())
    yield "Partner", f"je ein Prozess für sich, mit Port: {partners}"


def _acknowledged(facts: Facts) -> Iterator[Line]:
    title = _MESSAGES.get(facts["message_type"], "")
    yield "Nachricht", f"{facts['control_id']}: {facts['message_type']} {title}".rstrip()
    when = ", erst nach dem Commit" if facts["acknowledge"] == "on_processing" else ""
    yield "quittiert", f"{facts['code']} nach {_number(facts['milliseconds'])} ms{when}"


def _translated(facts: Facts) -> Iterator[Line]:
    unmapped = facts["unmapped"]
    counts = (
        f"{facts['fields']} Felder: {facts['mapped']} abgebildet, {facts['ignored']} begründet "
        f"übergangen, {len(unmapped)} nicht abgebildet"
    )
    rest = f" ({', '.join(unmapped)}: steht im Verlustbericht, das Original bleibt)"
    yield "übersetzt", f"{counts}{rest if unmapped else ''}"
    yield "", _counted(facts["resources"])
    proof = f"Provenance: {len(facts['targets'])} Versionen, Original {facts['sha256'][:16]}…"
    yield "belegt", f"{proof} (SHA-256)"


def _decided(facts: Facts) -> Iterator[Line]:
    title = facts["control_id"]
    if not facts["deliveries"]:
        yield "bleibt hier", f"{title}: keine Route will diese Nachricht; sie ist gespeichert"
    for one in facts["deliveries"]:
        yield _STATES.get(one["state"], one["state"]), f"{title}: {one['sentence']}"


def _consented(facts: Facts) -> Iterator[Line]:
    yield "Einwilligung", _posted(facts)
    shared = facts["shared_system"]
    kept, values = [], set()
    for one in facts["records"]:
        own = [each["value"] for each in one["identifiers"] if each["system"] != shared]
        values |= {each["value"] for each in one["identifiers"] if each["system"] == shared}
        kept.append(f"{one['keeper']} {', '.join(own)}")
    text = f"{' und '.join(kept)}: eine Person, gleiche KVNR {', '.join(sorted(values))}"
    yield "verknüpft", text


def _posted(facts: Facts) -> str:
    took = _number(facts["milliseconds"])
    return f"von der Praxis per HTTP gesendet, beantwortet {facts['status']} nach {took} ms"


def _judged(facts: Facts) -> Iterator[Line]:
    for one in facts["deliveries"]:
        state = _STATES.get(one["state"], one["state"])
        decision = _DECISIONS.get(one["decision"], one["decision"])
        yield decision, f"{facts['control_id']}: {one['sentence']} → {state} ({one['endpoint']})"


def _received(facts: Facts) -> Iterator[Line]:
    name = facts["recipient"]
    if facts["messages"]:
        yield "HL7 v2", f"{name}: {len(facts['messages'])} Nachrichten über MLLP"
    for one in facts["messages"]:
        same = f"{one['same_segments']} Segmente Byte für Byte wie gesendet"
        address = f"MSH neu an {one['receiver']}"
        yield "", f"{one['message_type']}: {same}, {address}, quittiert {one['acknowledgement']}"
    yield from _collected(facts)
    if facts["transactions"]:
        yield "FHIR", f"{name}: {len(facts['transactions'])} Transaktionen; der Server hält jetzt"
        yield "", _counted(facts["holds"])
        for size in facts["pdf_bytes"]:
            yield "", f"das PDF des Entlassbriefs, {size} Bytes, Byte für Byte wie gesendet"
    if not (facts["messages"] or facts["transactions"] or facts["records"]):
        yield "nichts", f"{name}: nichts erhalten"


def _collected(facts: Facts) -> Iterator[Line]:
    if facts["records"]:
        count = len(facts["records"])
        yield "GDT", f"{facts['recipient']}: {count} Satz aus dem Austauschordner abgeholt"
    for one in facts["records"]:
        header = f"Satzart {one['satzart']} von {one['sender']} an {one['receiver']}"
        yield "", f"{one['file']}: {header}, {one['bytes']} Bytes, Längen stimmen"
        for size in one["pdf_bytes"]:
            yield "", f"daneben das PDF, {size} Bytes, Byte für Byte wie gesendet"


def _paused(facts: Facts) -> Iterator[Line]:
    yield "Betrieb", f"gateway endpoint pause {facts['endpoint']}"


def _withdrawn(facts: Facts) -> Iterator[Line]:
    yield "Widerruf", _posted(facts)
    for one in facts["deliveries"]:
        state = _STATES.get(one["state"], one["state"])
        tries = f"{one['attempts']} Sendeversuche"
        yield state, f"{facts['control_id']}: {one['sentence']} ({tries})"


def _resumed(facts: Facts) -> Iterator[Line]:
    left = f"{sum(facts['undone'].values())} offene Zustellungen"
    since = f"{facts['received_since']} seither angekommen"
    yield "Betrieb", f"gateway endpoint resume {facts['endpoint']}: {left}, {since}"


def _worklist(facts: Facts) -> Iterator[Line]:
    count = len(facts["items"])
    text = f"{count} Aufgaben für Menschen" if count else "nichts wartet auf einen Menschen"
    yield "Arbeitsliste", f"{text} (Nachrichten: {facts['messages']}, Status: {facts['status']})"


def _audited(facts: Facts) -> Iterator[Line]:
    leaves = f"{facts['size']} Blätter, Wurzel {facts['root'][:16]}…"
    opened = f"{facts['opened']} Ereignisse geöffnet, {len(facts['findings'])} Widersprüche"
    yield "Protokoll", f"geprüft: {leaves}, {opened}"
    inside = "nur in sich stimmig, denn kein Prüfpunkt liegt außerhalb des Gateways"
    outside = f"bis Blatt {facts['anchored']} von außen bestätigt"
    yield "", f"{outside if facts['anchored'] else inside} ({facts['scope']})"


def _ended(facts: Facts) -> Iterator[Line]:
    left = f"der Ordner bleibt: {facts['kept']}" if facts["kept"] else "der Ordner gelöscht"
    yield "Ende", f"nach {_number(facts['seconds'])} s: alle Prozesse beendet, {left}"


#: How each step is told.
_TELL: dict[str, Callable[[Facts], Iterator[Line]]] = {
    "started": _started,
    "acknowledged": _acknowledged,
    "translated": _translated,
    "decided": _decided,
    "consented": _consented,
    "released": _judged,
    "received": _received,
    "paused": _paused,
    "queued": _judged,
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
