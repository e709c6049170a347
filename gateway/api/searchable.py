"""What the CapabilityStatement says about search, read from the parameters there are.

https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.api.types import resource_types
from profiles.search import SearchParameters

#: Parameters every type has, though no definition of a type names them, and their types.
_EVERYWHERE = {"_filter": "special", "_has": "special", "_list": "special"}
#: Kind of parameter → its type, where the standard has another word.
_TYPES = {"text": "string"}


@cache
def searchable(type_: str, parameters: SearchParameters, *, alone: bool = False) -> dict[str, Any]:
    """Return searchParam, searchInclude and searchRevInclude of a resource type.

    `alone`: nothing else is brought or asked along with it.
    """
    kinds = {name: one.kind for name, one in parameters.of(type_).items()}
    if alone:
        return {"searchParam": _parameters(kinds)}
    kinds |= _EVERYWHERE
    followed = [f"{type_}:{name}" for name, kind in kinds.items() if kind == "reference"]
    described: dict[str, Any] = {
        "searchInclude": ["*", *sorted(followed)],
        "searchRevInclude": list(_pointing_to(parameters).get(type_, ())),
        "searchParam": _parameters(kinds),
    }
    return {name: value for name, value in described.items() if value}


def _parameters(kinds: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": _TYPES.get(kind, kind)} for name, kind in sorted(kinds.items())]


@cache
def _pointing_to(parameters: SearchParameters) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for type_ in resource_types():
        for name, one in sorted(parameters.of(type_).items()):
            for target in one.targets if one.kind == "reference" else ():
                found.setdefault(target, []).append(f"{type_}:{name}")
    return found
