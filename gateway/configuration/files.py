"""Reading a folder of configuration; every fault is a finding, none stops the reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from gateway.configuration import Configuration, Sample
from gateway.configuration.clients import keyed
from gateway.configuration.practitioners import read_practitioners
from gateway.configuration.samples import samples_in
from gateway.configuration.spelling import SPELLING
from gateway.domain.client import Client
from gateway.domain.region import Endpoint, Organization, Practitioner, Region, Route
from gateway.settings import FILE, REGION_TABLES, Settings, find, read_toml, settings_from
from profiles.issue import GatewayError, Issue, NotConformant
from profiles.reading import read_json
from profiles.reading.record import Place, read_record, unknown_key

T = TypeVar("T", Organization, Endpoint, Route, Client)

#: Folders whose files hold tables of the region.
REGION_FOLDERS = ("organizations", "endpoints", "routes", "clients")
#: TLS settings of an endpoint that name files.
_TLS_FILES = ("ca", "certificate", "key")


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    practitioners: list[Practitioner] = field(default_factory=list)
    dialects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: list[Issue] = field(default_factory=list)

    def report(self, text: str, place: str, code: str = "structure") -> None:
        """Add a finding that has to be repaired."""
        self.problems.append(Issue("error", code, text, place))


def read_folder(folder: Path | str | None = None) -> Configuration:
    """Read a folder. Raises NotConformant only when `gateway.toml` cannot be read at all."""
    chosen = find(folder)
    base = chosen.resolve().parent
    reading = _Reading()
    main = read_toml(chosen)
    settings = _settings(main, base, chosen.name, reading)
    _read_tables(main, Place(chosen.name), reading)
    for path in _files(base, REGION_FOLDERS, ".toml"):
        _read_region_file(path, reading)
    _read_practitioners(base, reading)
    _read_dialects(base, reading)
    return Configuration(
        settings=settings,
        region=_region(reading, settings),
        consents=_read_consents(base, reading),
        samples=_read_samples(base, reading),
        problems=tuple(reading.problems),
    )


def _settings(main: Mapping[str, Any], base: Path, name: str, reading: _Reading) -> Settings:
    try:
        return settings_from(main, folder=base, file=name)
    except NotConformant as error:
        reading.problems.extend(error.issues)
        return Settings(folder=base)


def _region(reading: _Reading, settings: Settings) -> Region:
    endpoints = {
        name: _profiled(_absolute(one, settings), settings, reading)
        for name, one in reading.endpoints.items()
    }
    return Region(
        organizations=reading.organizations,
        endpoints=endpoints,
        routes=reading.routes,
        practitioners=tuple(reading.practitioners),
        clients={name: _keyed(one, settings, reading) for name, one in reading.clients.items()},
        dialects=reading.dialects,
        policy={"timezone": settings.gateway.timezone, **settings.consent},
    )


def _keyed(client: Client, settings: Settings, reading: _Reading) -> Client:
    try:
        return keyed(client, settings)
    except NotConformant as error:
        reading.report(error.text, f"client {client.id}")
        return client


def _absolute(endpoint: Endpoint, settings: Settings) -> Endpoint:
    """The registry is read by processes that do not know where the folder is."""
    tls = {
        key: str(settings.path(value)) if key in _TLS_FILES and isinstance(value, str) else value
        for key, value in endpoint.tls.items()
    }
    token_file = str(settings.path(endpoint.token_file)) if endpoint.token_file else ""
    folder = endpoint.folder
    if folder is not None:
        folder = replace(folder, path=str(settings.path(folder.path)))
    return replace(endpoint, tls=tls, token_file=token_file, folder=folder)


def _profiled(endpoint: Endpoint, settings: Settings, reading: _Reading) -> Endpoint:
    """The message profile as rules, wherever they are written."""
    stated = dict(endpoint.message_profile)
    named = stated.pop("file", None)
    if named is None:
        return endpoint
    from mappers.hl7v2.profile_xml import rules_of

    path = settings.path(str(named))
    try:
        if path.suffix == ".xml":
            found: Mapping[str, Any] = {"rules": rules_of(path.read_bytes())}
        else:
            found = read_toml(path)
            found = found.get("profile", found)
    except (GatewayError, OSError) as error:
        what = error.text if isinstance(error, GatewayError) else "there is no such file"
        reading.report(f"{named}: {what}", f"endpoint {endpoint.id}")
        return replace(endpoint, message_profile={})
    return replace(endpoint, message_profile={**found, **stated})


def _files(base: Path, folders: Iterable[str], suffix: str) -> Iterable[Path]:
    for folder in folders:
        yield from sorted((base / folder).glob(f"*{suffix}"))


def _read_region_file(path: Path, reading: _Reading) -> None:
    name = f"{path.parent.name}/{path.name}"
    try:
        content = read_toml(path)
    except NotConformant as error:
        reading.report(error.text, name)
        return
    for key in content:
        if key not in REGION_TABLES:
            reading.problems.append(unknown_key(key, list(REGION_TABLES), Place(name)))
    _read_tables(content, Place(name), reading)


def _read_tables(content: Mapping[str, Any], place: Place, reading: _Reading) -> None:
    _read_named(Organization, content.get("organization", []), place, "organization", reading)
    _read_named(Endpoint, content.get("endpoint", []), place, "endpoint", reading)
    _read_named(Route, content.get("route", []), place, "route", reading)
    _read_named(Client, content.get("client", []), place, "client", reading)
    for index, row in enumerate(_rows(content.get("practitioner", []), place, reading), start=1):
        _read_practitioner(row, place.within(f"practitioner {index}"), reading)


def _rows(value: Any, place: Place, reading: _Reading) -> list[dict[str, Any]]:
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    reading.report(f"{place}: write it as [[table]], with two brackets", str(place))
    return []


def _read_named(kind: type[T], value: Any, place: Place, table: str, reading: _Reading) -> None:
    target: dict[str, Any] = getattr(reading, f"{table}s")
    for index, row in enumerate(_rows(value, place, reading), start=1):
        within = place.within(f"{table} {row.get('id', index)}")
        try:
            record = read_record(kind, row, within, SPELLING)
        except NotConformant as error:
            reading.problems.extend(error.issues)
            continue
        if record.id in target:
            reading.report(f"{within}: the id is used twice", str(within), "duplicate")
        target[record.id] = record


def _read_practitioner(row: Mapping[str, Any], place: Place, reading: _Reading) -> None:
    try:
        reading.practitioners.append(read_record(Practitioner, row, place, SPELLING))
    except NotConformant as error:
        reading.problems.extend(error.issues)


def _read_practitioners(base: Path, reading: _Reading) -> None:
    for path in _files(base, ["practitioners"], ".csv"):
        found, problems = read_practitioners(path.read_bytes(), f"practitioners/{path.name}")
        reading.practitioners.extend(found)
        reading.problems.extend(problems)


def _read_dialects(base: Path, reading: _Reading) -> None:
    for path in _files(base, ["dialects"], ".toml"):
        try:
            reading.dialects[path.stem] = read_toml(path)
        except NotConformant as error:
            reading.report(error.text, f"dialects/{path.name}")


def _read_consents(base: Path, reading: _Reading) -> tuple[Sample, ...]:
    found = _read_messages(base, "consents", reading)
    return tuple(one for one in found if _holds_consent(one, reading))


def _holds_consent(one: Sample, reading: _Reading) -> bool:
    try:
        content = read_json(one.data)
    except NotConformant as error:
        reading.report(f"{one.file}: {error.text}", one.file)
        return False
    resources = [content]
    if isinstance(content, dict) and content.get("resourceType") == "Bundle":
        resources = [entry.get("resource") for entry in content.get("entry", ())]
    types = {one.get("resourceType") for one in resources if isinstance(one, dict)}
    if "Consent" not in types:
        reading.report(f"{one.file}: there is no FHIR Consent in it", one.file)
    return "Consent" in types


def _read_samples(base: Path, reading: _Reading) -> tuple[Sample, ...]:
    return tuple(_read_messages(base, "samples", reading))


def _read_messages(base: Path, folder: str, reading: _Reading) -> Iterable[Sample]:
    """Read the files of `folder/ENDPOINT/`, each as it would come in at that endpoint."""
    for path in sorted((base / folder).glob("*")):
        name = f"{folder}/{path.name}"
        endpoint = reading.endpoints.get(path.name)
        if not path.is_dir():
            reading.report(f"{name}: put it into a folder named like an endpoint", name)
        elif endpoint is None:
            reading.report(f"{name}: there is no endpoint of this name", name, "not-found")
        elif endpoint.direction != "in":
            reading.report(f"{name}: this is an outgoing endpoint", name)
        else:
            yield from samples_in(path, name, endpoint)


__all__ = ["FILE", "REGION_FOLDERS", "read_folder"]
