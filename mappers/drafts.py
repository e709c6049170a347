"""Resources in the making: what a message says of one, and entries of the sender's directory."""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Action, Change, Key
from mappers.trace import Finished


class Draft:
    """A change being built."""

    __slots__ = (
        "_reference",
        "action",
        "cleared",
        "historic",
        "id",
        "keys",
        "partial",
        "recency",
        "resource",
        "subject",
        "type",
        "weak",
    )

    #: The entry of the sender's directory it was begun with.
    entry: Stated | None = None

    def __init__(self, resource: dict[str, Any], keys: tuple[Key, ...], recency: str) -> None:
        """Start a merge of `resource`, named by `keys`."""
        self.action = Action.MERGE
        self.resource = resource
        self.keys = keys
        self.type: str = resource["resourceType"]
        self.id: str = resource["id"]
        self.cleared: list[str] = []
        self.recency = recency
        self.subject = ""
        self.historic = False
        self.weak: tuple[str, ...] = ()
        self.partial = False
        self._reference: dict[str, Any] | None = None

    @property
    def reference(self) -> dict[str, Any]:
        """Literal reference to it; the same object every time, which nobody changes."""
        if self._reference is None:
            self._reference = {"reference": f"{self.type}/{self.id}"}
        return self._reference

    def change(self, finished: Finished) -> Change:
        """Finish the change with its resource as it was written."""
        return Change(
            self.action,
            self.type,
            self.id,
            self.keys,
            None,
            tuple(dict.fromkeys(self.cleared)) if self.cleared else (),
            self.recency,
            self.subject,
            self.historic,
            self.weak,
            self.partial,
            finished.body,
            finished.has_decimals,
        )


class EntryDraft(Draft):
    """What is begun with an entry of the directory; its resource is made when it is asked for."""

    __slots__ = ("_made", "asked", "entry")

    def __init__(self, entry: Stated, recency: str) -> None:
        """Start with all the entry says."""
        head = {"resourceType": entry.key.type, "id": entry.identity}
        super().__init__(head, (entry.key,), recency)
        self.entry: Stated = entry
        self.asked = False

    @property
    def resource(self) -> dict[str, Any]:
        """The resource, from now on as the message makes it."""
        if not self.asked:
            self.asked = True
            self._made.update(self.entry.content())
        return self._made

    @resource.setter
    def resource(self, resource: dict[str, Any]) -> None:
        self._made = resource

    def says_more(self) -> bool:
        """Tell whether the message says anything else than the entry."""
        return self.asked and not self.entry.is_all_of(self._made)


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

    def content(self) -> dict[str, Any]:
        """Its elements, with lists that may be added to."""
        elements = self.elements.items()
        return {name: [*value] if type(value) is list else value for name, value in elements}

    def is_all_of(self, resource: dict[str, Any]) -> bool:
        """Tell whether a resource says what the entry says and nothing else."""
        if len(resource) != len(self.elements) + len(_TYPE_AND_ID):
            return False
        return self.elements.items() <= resource.items()


_TYPE_AND_ID = ("resourceType", "id")
