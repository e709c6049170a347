"""Slices by their names, as FHIRPath's slice() asks for them.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from profiles.fhirpath import Node
from profiles.fhirpath.context import Sliced
from profiles.snapshot.elements import Profile
from profiles.validate.compile_layer import CompileLayer
from profiles.validate.members import Item
from profiles.validate.run import Run

if TYPE_CHECKING:
    from profiles.validate.layers import Layers

#: Makes the run in which the elements of a resource are looked at.
Begin = Callable[[Any], Run]


def named_slice(
    layers: Layers, structure: str, name: str, begin: Begin, requester: Profile | None = None
) -> Sliced | None:
    """Return the slice with a name of a profile (canonical); None when either is unknown."""
    profile = layers.profile(structure, requester)
    elements = profile.root.walk() if profile is not None else ()
    whole = next((one for one in elements if one.slice(name) is not None), None)
    if profile is None or whole is None:
        return None
    slices = CompileLayer(layers, profile).slices(whole)

    def holds(node: Node, resource: Any) -> bool:
        place = ("", node.name, node.index) if node.index >= 0 else ("", node.name)
        item = Item(node.value, node.extra, node.type.name, place)
        return slices.has(name, item, begin(resource))

    return Sliced(whole.path.replace("[x]", ""), holds)
