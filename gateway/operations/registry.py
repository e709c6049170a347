"""Registering a configuration: organizations, endpoints, routes, practitioners and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.domain.region import Region
from gateway.domain.region_json import Document, documents, region_of
from gateway.evidence.parts import Party
from gateway.operations.desk import Desk
from gateway.pipeline.ports import Transaction
from gateway.pipeline.site import Site
from gateway.pipeline.validate import Validation
from gateway.store import registry
from gateway.store.unit import unit_of
from profiles.issue import NotConformant


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry of the registry that would change."""

    #: organization, endpoint, route, practitioner, dialect, policy.
    kind: str
    id: str
    #: added, removed or changed.
    change: str
    #: Keys whose values differ.
    keys: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Render for reports."""
        return {"kind": self.kind, "id": self.id, "change": self.change, "keys": list(self.keys)}


def difference(present: Region, wanted: Region) -> list[Difference]:
    """Compare two regions entry by entry, in the order of kinds."""
    before = {(kind, name): document for kind, name, document in documents(present)}
    after = {(kind, name): document for kind, name, document in documents(wanted)}
    found = []
    for key in (*after, *(key for key in before if key not in after)):
        if key not in before:
            found.append(Difference(*key, "added"))
        elif key not in after:
            found.append(Difference(*key, "removed"))
        elif changed := _changed(before[key], after[key]):
            found.append(Difference(*key, "changed", changed))
    return found


def apply(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the registry: {"documents": [[kind, id, document], …], "summary": "…"}.

    Raises NotConformant for documents that are no region, that routing cannot work with, or whose
    profiles are in none of the packages.
    """
    wanted = _wanted(arguments.get("documents"))
    Validation.of(wanted, desk.settings.packages, desk.settings.catalogues)
    summary = str(arguments.get("summary", ""))
    site = desk.site()
    namespace = desk.settings.namespace
    Site.of(
        wanted,
        namespace=namespace,
        coder=site.coder,
        observer=site.auditor.observer,
        build=site.build,
        format_of=site.format_of,
    )

    def job(tx: Transaction) -> int:
        number = registry.write(unit_of(tx), wanted, by=desk.by, summary=summary)
        desk.record(tx, "apply", [Party(value=f"registry/{number}")])
        return number

    return {"revision": desk.write(job)}


def _wanted(found: Any) -> Region:
    if not isinstance(found, list):
        raise NotConformant("A registry is a list of documents.")
    try:
        return region_of(0, [_document(one) for one in found])
    except (ValueError, TypeError, KeyError) as error:
        raise NotConformant("A document of the registry cannot be read.") from error


def _document(one: Iterable[Any]) -> Document:
    kind, name, document = one
    return str(kind), str(name), document


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key for key in sorted({*before, *after}) if before.get(key) != after.get(key))
