"""Origin: what a Provenance says of the message its targets come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.domain.time import Instant, fhir_instant
from gateway.evidence.provenance import for_message, with_statement
from mappers import MAPPING_VERSION

#: What stands in a Provenance without targets in their place. It stands there once: no other array
#: of a resource is empty, and quotation marks in texts are escaped.
NO_TARGETS = b'"target":[]'


@dataclass(frozen=True, slots=True)
class Origin:
    """One message as the source of resources."""

    endpoint: str
    control_id: str
    #: SHA-256 of its bytes, hexadecimal.
    sha256: str
    received_at: Instant
    organization: str
    #: The gateway's build.
    build: str
    #: What the message says of itself: a Provenance without targets.
    stated: Mapping[str, Any] | None = None


def provenance(
    name: str, targets: Sequence[tuple[str, str, int]], origin: Origin
) -> dict[str, Any]:
    """Make the Provenance `name` for (type, id, version) targets.

    The message is named by endpoint and control id, so that a replay gives the same resource.
    """
    made = for_message(
        id=name,
        targets=[(kind, target, str(version)) for kind, target, version in targets],
        source_sha256=origin.sha256,
        message_id=f"{origin.endpoint}/{origin.control_id}",
        recorded=fhir_instant(origin.received_at),
        organization=origin.organization,
        mapping_version=MAPPING_VERSION,
        build=origin.build,
    )
    return made if origin.stated is None else with_statement(made, origin.stated)


def targeted(head: bytes, targets: Iterable[tuple[str, str, int]], tail: bytes) -> bytes:
    """Put (type, id, version) targets into a Provenance cut at `NO_TARGETS`."""
    references = ",".join(
        [f'{{"reference":"{kind}/{name}/_history/{version}"}}' for kind, name, version in targets]
    )
    return b'%b"target":[%b]%b' % (head, references.encode(), tail)
