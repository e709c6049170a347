"""Resources in the making: what a message says of one, and entries of the sender's directory."""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Action, Change, Key


class Draft:
    """A change being built."""

    __slots__ = (
        "action",
        "cleared",
        "entry",
        "historic",
        "id",
        "keys",
        "partial",
        "recency",
        "resource",
        "subject",
        "weak",
    )

    def __init__(self, resource: dict[str, Any], keys: tuple[Key, ...], recency: str) -> None:
        """Start a merge of `resource`, named by `keys`."""
        self.action = Action.MERGE
        self.resource = resource
        self.keys = keys
        self.id: str = resource["id"]
        self.cleared: list[str] = []
        self.recency = recency
        self.subject = ""
        self.historic = False
        self.weak: tuple[str, ...] = ()
        self.partial = False
        #: What it was begun with when that was an entry of the sender's directory.
        self.entry: Stated | None = None

    def change(self, resource: dict[str, Any]) -> Change:
        """Finish the change with its plain resource."""
        return Change(
            self.action,
            resource["resourceType"],
            self.id,
            self.keys,
            resource,
            tuple(dict.fromkeys(self.cleared)) if self.cleared else (),
            self.recency,
            self.subject,
            self.historic,
            self.weak,
            self.partial,
        )


class Stated(NamedTuple):
    """A place, house, person or device as a field states it: an entry of the sender's directory.

    Shared between the messages that say the same: nobody changes it.
    """

    key: Key
    #: Logical id the key gives.
    identity: str
    #: Elements of the resource without type and id.
    elements: dict[str, Any]
    #: Reference to the resource.
    reference: dict[str, Any]
    #: What its elements refer to.
    also: tuple[Stated, ...] = ()

    def is_all_of(self, resource: dict[str, Any]) -> bool:
        """Tell whether a resource says what the entry says and nothing else."""
        if len(resource) != len(self.elements) + len(_TYPE_AND_ID):
            return False
        return self.elements.items() <= resource.items()


_TYPE_AND_ID = ("resourceType", "id")
