"""Other people's wires: one file per connection type, registered in `CONNECTION_TYPES`.

Names follow https://terminology.hl7.org/CodeSystem/endpoint-connection-type where it has one. Third
parties add types through the entry point group `gateway.connection_types`; each entry point names a
`ConnectionType`. They are looked up only when a name is not known here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from profiles.issue import NotConformant

#: Entry point group of connection types that are not part of this distribution.
GROUP = "gateway.connection_types"


@dataclass(frozen=True, slots=True)
class ConnectionType:
    """One way to reach a system, or to be reached by it."""

    name: str
    #: `in` where the system speaks first, `out` where the gateway does, or both.
    directions: frozenset[str]
    #: One sentence for operators.
    description: str
    #: Fields of an endpoint that must be set, by direction.
    settings: dict[str, tuple[str, ...]]
    #: `module:attribute` that makes a Sender of an Endpoint; empty when it only receives.
    sender: str = ""
    #: Format spoken on it (a name of `mappers.FORMATS`); empty: the endpoint's `format` says it.
    format: str = ""

    def make_sender(self, endpoint: Any) -> Any:
        """Make the sender (`gateway.domain.transport.Sender`) of a registered Endpoint.

        Raises NotConformant when the type does not send, or the endpoint's settings do not fit.
        """
        if not self.sender:
            raise NotConformant(f"Endpoints of type {self.name} receive only.")
        module, _, attribute = self.sender.partition(":")
        make: Callable[[Any], Any] = getattr(import_module(module), attribute)
        return make(endpoint)

    def format_of(self, endpoint: Any) -> str:
        """Name the format spoken on an endpoint; empty when what arrives says it itself.

        Raises NotConformant when the endpoint names another than this type speaks.
        """
        if endpoint.format and self.format and endpoint.format != self.format:
            raise NotConformant(f'Endpoints of type {self.name} speak format = "{self.format}".')
        return str(endpoint.format) or self.format

    def missing(self, endpoint: Any) -> tuple[str, ...]:
        """Return the settings this type needs and the endpoint leaves out.

        Raises NotConformant when the type has no such direction.
        """
        if endpoint.direction not in self.directions:
            known = " or ".join(sorted(self.directions))
            raise NotConformant(f'The direction of {self.name} is "{known}".')
        needed = self.settings.get(endpoint.direction, ())
        return tuple(name for name in needed if getattr(endpoint, name) in (None, "", ()))


CONNECTION_TYPES: dict[str, ConnectionType] = {
    "hl7v2-mllp": ConnectionType(
        "hl7v2-mllp",
        frozenset({"in", "out"}),
        "HL7 v2 messages over MLLP, acknowledged on the same connection.",
        {"in": ("listen",), "out": ("address", "idempotent")},
        "gateway.endpoints.mllp_client:MllpSender",
        format="hl7v2",
    ),
    "hl7-fhir-rest": ConnectionType(
        "hl7-fhir-rest",
        frozenset({"out"}),
        "Transaction Bundles to a partner's FHIR server.",
        {"out": ("address", "idempotent")},
        "gateway.endpoints.fhir_rest:FhirRestSender",
        format="fhir_r4",
    ),
    "http-inbound": ConnectionType(
        "http-inbound",
        frozenset({"in"}),
        "Messages posted to /inbound/{endpoint} of the gateway.",
        {"in": ()},
    ),
    "folder": ConnectionType(
        "folder",
        frozenset({"in", "out"}),
        "Records as files in an exchange folder, with the files beside them.",
        {"in": ("folder", "format"), "out": ("folder", "format", "idempotent")},
        "gateway.endpoints.folder.sender:FolderSender",
    ),
}


def connection_type(name: str) -> ConnectionType:
    """Find a connection type by name, own ones first.

    Raises NotConformant with the nearest known name when there is none.
    """
    own = CONNECTION_TYPES.get(name)
    if own is not None:
        return own
    for point in entry_points(group=GROUP, name=name):
        found = point.load()
        if isinstance(found, ConnectionType):
            return found
        raise NotConformant(f"The entry point {name} of {GROUP} names no ConnectionType.")
    near = difflib.get_close_matches(name, CONNECTION_TYPES, 1)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise NotConformant(f"Unknown connection type{hint}")


def format_of(endpoint: Any) -> str:
    """Name the format a registered Endpoint speaks; empty when what arrives says it itself.

    Raises NotConformant when its connection type is unknown or speaks another one.
    """
    return connection_type(endpoint.connection_type).format_of(endpoint)
