"""The index key and all it makes: keyed terms of identifiers, resources and search values.

Worker processes get this key only, never the key that wraps data keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from gateway.store import index_terms

if TYPE_CHECKING:
    from profiles.search import Terms


@dataclass(frozen=True, slots=True)
class IndexKey:
    """Keyed hashing of what is searched for; picklable, implements the port's IndexCoder."""

    key: bytes

    def identifier_term(self, type: str, system: str, value: str) -> bytes:  # noqa: A002 - FHIR's word, and the port's
        """Return the 16 byte term of one business identifier of a resource type."""
        return _identifier_term(self.key, type, system, value)

    def resource_term(self, resource_type: str, logical_id: str) -> bytes:
        """Return the 16 byte term of a resource's type and logical id."""
        return _finished(_begun(self.key, f"id\0{resource_type}\0"), logical_id)

    def search_term(self, resource_type: str, param: str, value: str) -> int:
        """Return the signed 64 bit term of one value of a search parameter."""
        return index_terms.search_term(self.key, resource_type, param, value)

    def encode(self, type: str, terms: Terms) -> bytes:  # noqa: A002 - FHIR's word, and the port's
        """Return the index terms of one resource as `NewVersion.terms` wants them."""
        return index_terms.encode(self.key, type, terms)


# Houses, wards and doctors come again in every message.
@lru_cache(maxsize=8_192)
def _identifier_term(key: bytes, resource_type: str, system: str, value: str) -> bytes:
    return _finished(_begun(key, f"identifier\0{resource_type}\0{system}\0"), value)


@lru_cache(maxsize=4_096)
def _begun(key: bytes, beginning: str) -> blake2b:
    """Return a hash that has taken in the key and a beginning many terms share, to be copied."""
    return blake2b(beginning.encode(), key=key, digest_size=16)


def _finished(begun: blake2b, value: str) -> bytes:
    state = begun.copy()
    state.update(value.encode())
    return state.digest()
