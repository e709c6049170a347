"""The directory: which organization receives for somebody a message names.

Only registered data counts: LANR, BSNR, a hospital's own numbers by assigner, and identifiers of
organizations. What messages say about people never changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.domain.region import Region

#: Systems a LANR, a BSNR come with: KBV naming systems and the OIDs HL7 v2 senders assign.
LANR_SYSTEMS = frozenset(
    {"https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR", "urn:oid:1.2.276.0.76.4.16"}
)
BSNR_SYSTEMS = frozenset(
    {"https://fhir.kbv.de/NamingSystem/KBV_NS_Base_BSNR", "urn:oid:1.2.276.0.76.4.17"}
)
_LANR, _BSNR = "lanr", "bsnr"
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Directory:
    """Identifiers of the registry, each with the organizations it leads to."""

    #: (kind or system or assigner, value) → organization ids.
    _entries: Mapping[tuple[str, str], frozenset[str]]
    #: URI prefix of the senders' own identifiers.
    _namespace: str

    @classmethod
    def of(cls, region: Region, namespace: str) -> Directory:
        """Collect the practitioners and organizations of a region."""
        found: dict[tuple[str, str], set[str]] = {}
        for one in region.practitioners:
            keys = [(_LANR, one.lanr)] if one.lanr else []
            keys += [(_BSNR, one.bsnr)] if one.bsnr else []
            keys += [(f"local:{own.system}", own.value) for own in one.local]
            for key in keys:
                found.setdefault(key, set()).add(one.organization)
        for organization in region.organizations.values():
            for own in organization.identifier:
                key = (_kind(own.system), own.value)
                found.setdefault(key, set()).add(organization.id)
        return cls({key: frozenset(names) for key, names in found.items()}, namespace)

    def organizations(self, system: str, value: str) -> frozenset[str]:
        """Return the organizations an identifier leads to."""
        return self._entries.get((_kind(system), value), NOBODY) or self._local(system, value)

    def _local(self, system: str, value: str) -> frozenset[str]:
        """Look among the own numbers of the organization whose namespace the system lies in."""
        if not system.startswith(f"{self._namespace}/"):
            return NOBODY
        assigner = system[len(self._namespace) + 1 :].replace("|", "/").partition("/")[0]
        return self._entries.get((f"local:{assigner}", value), NOBODY)

    def one_of(self, identifiers: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Find whom the identifiers of one person or place lead to.

        Several identifiers narrow each other down: a doctor of two practices, named together with
        the number of one of them, means that one.
        """
        sets = [self.organizations(system, value) for system, value in identifiers]
        known = [names for names in sets if names]
        if not known:
            return NOBODY
        return frozenset.intersection(*known) or frozenset.union(*known)


def _kind(system: str) -> str:
    if system in LANR_SYSTEMS:
        return _LANR
    return _BSNR if system in BSNR_SYSTEMS else system
