"""The interface sheet of one endpoint, in German: what a partner's IT needs to connect."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.folder import Folder
from gateway.domain.region import Endpoint, Region, Route
from gateway.domain.time import DAY, SECOND
from gateway.endpoints import format_of
from gateway.settings import Settings

_DIRECTIONS = {"in": "eingehend (Ihr System sendet)", "out": "ausgehend (das Gateway sendet)"}
_MODES = {
    "live": "Echtbetrieb",
    "test": "Test (nur Testnachrichten, nur an Testendpunkte)",
    "shadow": "Schattenbetrieb (alles außer der Zustellung)",
}
_ACKNOWLEDGE = {
    "on_processing": "nach Verarbeitung und dauerhafter Speicherung",
    "on_receipt": "nach dauerhafter Speicherung, die Verarbeitung folgt",
}
_VALIDATION = {
    "none": "Struktur nach FHIR R4",
    "warn": "Struktur, Regeln und Profile; Verstöße werden vermerkt",
    "quarantine": "Struktur, Regeln und Profile; bei Verstößen entscheidet ein Mensch",
    "reject": "Struktur, Regeln und Profile; bei Verstößen abgelehnt",
}
_STRICT = {
    "claim": "angegebene Profile, die hier nicht vorliegen",
    "profile": "von Profilen verlangte Profile, die hier nicht vorliegen",
    "extension": "Erweiterungen, die hier nicht bekannt sind",
    "display": "Anzeigenamen, die nicht die des Codesystems sind",
}
_ANSWER_FILES = {
    "none": "keine",
    "errors": "eine Datei NAME.ack, wenn etwas nicht angenommen wurde",
    "all": "eine Datei NAME.ack zu jeder Datei",
}
#: Format → what it calls sender, receiver and character set.
_HEADERS = {
    "hl7v2": ("Absender (MSH-3, MSH-4)", "Empfänger (MSH-5, MSH-6)", "Zeichensatz (MSH-18)"),
    "": ("Absender", "Empfänger", "Zeichensatz"),
}
_FORMS = {
    "original": "im Original des Absenders",
    "translated": "übersetzt",
    "": "im Original bei gleichem Format, sonst übersetzt",
}


def sheet(settings: Settings, region: Region, endpoint: Endpoint) -> str:
    """Write the sheet as Markdown."""
    organization = region.organizations.get(endpoint.organization)
    name = organization.name if organization is not None else endpoint.organization
    lines = [
        f"# Schnittstellenblatt {endpoint.id}",
        "",
        f"Gateway: {settings.gateway.name}",
        f"Einrichtung: {name}",
        "",
        "| Merkmal | Wert |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in _rows(settings, endpoint)),
        "",
        *_answers(endpoint),
        "## Wege",
        "",
        *_routes(region, endpoint),
    ]
    return "\n".join(lines)


def _rows(settings: Settings, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    yield "Richtung", _DIRECTIONS[endpoint.direction]
    yield "Verbindungsart", endpoint.connection_type
    if endpoint.folder is not None:
        yield from _folder(endpoint, endpoint.folder)
    else:
        yield "Adresse", _address(settings, endpoint)
        yield "Verschlüsselung", _protection(endpoint)
    yield "Betriebsart", _MODES[endpoint.mode]
    if endpoint.direction == "in":
        yield from _incoming(endpoint)
    else:
        yield from _outgoing(endpoint)


def _folder(endpoint: Endpoint, folder: Folder) -> Iterator[tuple[str, str]]:
    yield "Austauschordner", folder.path
    yield "Format", endpoint.format
    if endpoint.direction == "out":
        yield "Dateiname", f"`{folder.name}`"
        yield "Abholen", "Datei lesen, dann löschen oder verschieben; Anlagen liegen vorher da"
        yield "Meldung an die Region", f"wenn nach {_span(folder.overdue)} nicht abgeholt"
        return
    yield "Dateinamen", ", ".join(f"`{one}`" for one in folder.pattern)
    yield "Schreiben", "erst unter anderem Namen (.tmp, .part), dann umbenennen; Anlagen zuerst"
    yield "Wartezeit", f"angenommen, wenn {_span(folder.stable)} unverändert"
    yield "Anlagen", f"im selben Ordner, höchstens {_span(folder.patience)} abgewartet"
    yield "Danach", f"verschoben nach {folder.archive}" if folder.archive else "gelöscht"
    yield "Nicht angenommen", f"verschoben nach {folder.error}, daneben ein Text mit dem Grund"
    yield "Quittungsdateien", _ANSWER_FILES[folder.answer]


def _span(microseconds: int) -> str:
    for unit, length in (("h", 3_600 * SECOND), ("min", 60 * SECOND)):
        if microseconds and microseconds % length == 0:
            return f"{microseconds // length} {unit}"
    return f"{microseconds / SECOND:g} s"


def _address(settings: Settings, endpoint: Endpoint) -> str:
    if endpoint.address or endpoint.listen:
        return endpoint.address or endpoint.listen
    base = settings.gateway.base_url.rstrip("/").removesuffix("/fhir")
    return f"POST {base}/inbound/{endpoint.id}"


def _protection(endpoint: Endpoint) -> str:
    if endpoint.tls.get("ca"):
        return "TLS mit Client-Zertifikat"
    return "TLS" if endpoint.tls or endpoint.address.startswith("https") else "keine"


def _incoming(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    yield "Inhaltsprüfung", _VALIDATION[endpoint.validation]
    if endpoint.profiles:
        yield "Profile", ", ".join(endpoint.profiles)
    if endpoint.strict:
        yield "Auch als Fehler gilt", ", ".join(_STRICT[one] for one in endpoint.strict)
    yield "Quittung", _ACKNOWLEDGE[endpoint.acknowledge]
    yield "Größte Nachricht", f"{endpoint.max_bytes:,} Byte".replace(",", ".")
    yield "Dialekt", endpoint.dialect or "Standard"
    if endpoint.folder is not None:
        return
    yield "Zugelassene Netze", ", ".join(endpoint.peers) or "nur dieser Rechner"
    yield "Sendende Anwendung (MSH-3)", ", ".join(endpoint.sending_application) or "beliebig"
    yield "Sendende Einrichtung (MSH-4)", ", ".join(endpoint.sending_facility) or "beliebig"


def _outgoing(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    yield "Form", _FORMS[endpoint.form]
    spoken = format_of(endpoint)
    if spoken != "fhir_r4":
        sender, receiver, charset = _HEADERS.get(spoken, _HEADERS[""])
        yield sender, " / ".join(filter(None, endpoint.sender))
        yield receiver, " / ".join(filter(None, endpoint.receiver))
        yield charset, endpoint.charset
    else:
        conditional = "bedingtes Aktualisieren über den Identifier"
        yield "Schreibweise", conditional if endpoint.write == "conditional" else "PUT mit Id"
    retry = endpoint.retry
    waits = f"{retry.first // SECOND} s bis {retry.most // SECOND} s"
    yield "Wiederholungen", f"{retry.attempts} Versuche, Wartezeit {waits}"
    again = "ja, dieselben Bytes mit derselben Kennung" if endpoint.idempotent else "nein"
    yield "Nach ungewissem Ausgang erneut senden", again


def _answers(endpoint: Endpoint) -> list[str]:
    """The acknowledgement codes, as a sender has to read them."""
    if endpoint.direction != "in" or endpoint.folder is not None:
        return []
    return [
        "## Antworten",
        "",
        "| MSA-1 | HTTP | Bedeutung |",
        "|---|---|---|",
        "| AA, CA | 200, 202 | Gespeichert; die Verantwortung liegt beim Gateway. |",
        "| AE, CE | 422 | Inhaltlicher Fehler; ERR nennt die Stelle. Berichtigen, neu senden. |",
        "| AR, CR | 403, 422 | Hier nicht angenommen (Typ, Version, Absender). |",
        "| keine | 503 | Nicht gespeichert; dieselbe Nachricht später erneut senden. |",
        "",
    ]


def _routes(region: Region, endpoint: Endpoint) -> list[str]:
    found = [route for route in region.routes.values() if _concerns(route, region, endpoint)]
    if not found:
        return ["Kein Weg nennt diesen Endpunkt."]
    return [line for route in found for line in (*_route(route), "")][:-1]


def _concerns(route: Route, region: Region, endpoint: Endpoint) -> bool:
    if endpoint.direction == "in":
        return not route.sources or endpoint.id in route.sources
    places = any("." in target for target in route.to)
    named = {endpoint.id, endpoint.organization} & set(route.to)
    known = any(one.organization == endpoint.organization for one in region.practitioners)
    return bool(named) or (places and known)


def _route(route: Route) -> list[str]:
    wait = f"wartet höchstens {route.wait // DAY} Tage auf eine Einwilligung"
    basis = f"Rechtsgrundlage: {route.legal_basis}; Zweck: {route.purpose}"
    return [
        f"- **{route.id}**: {route.criteria} → {', '.join(route.to)}",
        f"  {basis}; verantwortlich: {route.controller}",
        f"  Daten: {', '.join(route.data_categories) or 'nicht angegeben'}; {wait}",
    ]
