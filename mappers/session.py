"""One translation in progress, whatever the format: resources, issues and what was said twice.

Collects drafts (each resource once per message), issues, the patients met and the recipients
named. Pure: everything it knows comes from the bytes and the context. Each format adds where its
leaves stand, how its times are written and which codes it knows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from mappers.base import Context, Key, PatientFacts
from mappers.codes import Coded
from mappers.drafts import Draft, EntryDraft, Stated
from mappers.identity import mint
from mappers.trace import Text, text
from mappers.uris import ORIGINAL_TEXT
from profiles.issue import Issue, Severity

#: Items from which on a list is not searched any more.
_LONG_LIST = 64


class Session(ABC):
    """The state of one translation."""

    __slots__ = (
        "begun",
        "context",
        "counts",
        "dialect",
        "directory",
        "drafts",
        "echoes",
        "encounter",
        "encounters",
        "event",
        "ignored",
        "issues",
        "listed",
        "namespace",
        "path",
        "patient",
        "patients",
        "recency",
        "recipients",
        "replayed",
        "zone",
    )

    def __init__(
        self,
        context: Context,
        event: str,
        path: Callable[[int], str],
        issues: Iterable[Issue] = (),
    ) -> None:
        """Begin a translation.

        `event` is the trigger ("A01") or Satzart, `path` names a leaf of the source, `issues` are
        those of reading the bytes.
        """
        self.context = context
        self.dialect = context.dialect
        self.namespace = context.namespace
        self.zone = context.dialect.timezone
        self.event = event
        self.path = path
        self.issues: list[Issue] = list(issues)
        self.drafts: dict[str, Draft] = {}
        #: Type → the resource of it begun last.
        self.begun: dict[str, Draft] = {}
        #: Values that equal something already said: their leaves count as mapped with it.
        self.echoes: list[Any] = []
        #: (value, reason) left out on purpose for a reason found while mapping.
        self.ignored: list[tuple[Any, str]] = []
        #: Natural key → how many resources share it so far.
        self.counts: dict[tuple[str, ...], int] = {}
        self.patient: Draft | None = None
        self.encounter: Draft | None = None
        self.encounters: list[Draft] = []
        self.patients: list[PatientFacts] = []
        self.recipients: dict[str, list[dict[str, Any]]] = {}
        #: Instant of the message in UTC, comparable as text.
        self.recency = ""
        #: id of a long list → the list, and its items as text.
        self.listed: dict[int, tuple[list[Any], set[str]]] = {}
        #: What fields stated of the sender's directory, in order, and what that added to the
        #: drafts and echoes: the part of a conversion that can be done again when it is recalled.
        self.directory: list[Stated] = []
        self.replayed = 0

    # -- resources -----------------------------------------------------------------------

    def draft(self, kind: str, *keys: Key, subject: bool = True, identity: str = "") -> Draft:
        """Begin (or continue) the resource of this type named by keys[0].

        `identity` spares minting the id again where it is known.
        """
        first = keys[0]
        if not identity:
            identity = mint(self.context.region_key, kind, first.system, first.value)
        known = self.drafts.get(identity)
        if known is not None:
            return known if not subject or self._is_own(known) else self._apart(kind, first)
        made = Draft({"resourceType": kind, "id": identity}, keys, self.recency)
        if subject and self.patient is not None:
            made.subject = self.patient.id
        self.drafts[identity] = self.begun[kind] = made
        return made

    def _is_own(self, known: Draft) -> bool:
        """Tell whether a resource begun before may be gone on with for the present patient."""
        patient = self.patient
        if patient is None or not (known.subject and patient.id) or known.subject == patient.id:
            return True
        return str(known.resource["resourceType"]) == "Patient"

    def _apart(self, kind: str, key: Key) -> Draft:
        """Keep two patients of a message apart whose things have the same number."""
        patient = self.patient.id if self.patient is not None else ""
        begun = len(self.drafts)
        made = self.natural(kind, patient, key.system, key.value)
        if len(self.drafts) > begun:
            sentence = f"the number of a {kind} stands for two patients; they were kept apart"
            self.issue("conflict", sentence, hl7_code="205")
        return made

    def natural(self, kind: str, *parts: object, subject: bool = True) -> Draft:
        """Begin a resource without own identifier: its parent and natural key name it."""
        value = "|".join([str(part) for part in parts])
        system = f"{self.namespace}/key/{kind}"
        return self.draft(kind, Key(kind, system, value), subject=subject)

    def state(self, stated: Stated) -> Draft:
        """Write an entry of the directory, and what it refers to, into this message's resources."""
        before = len(self.drafts) + len(self.echoes)
        self.directory.append(stated)
        draft = self._write(stated)
        self.replayed += len(self.drafts) + len(self.echoes) - before
        return draft

    def _write(self, stated: Stated) -> Draft:
        draft = self.drafts.get(stated.identity)
        if draft is not None and draft.entry is stated:
            # Said once more is said: whatever it adds is there.
            return draft
        for other in stated.also:
            self._write(other)
        if draft is None:
            draft = self.drafts[stated.identity] = EntryDraft(stated, self.recency)
            return draft
        for element, value in stated.elements.items():
            if type(value) is list:
                for item in value:
                    self.append(draft, element, item)
            else:
                self.say(draft, element, value)
        return draft

    def say(self, draft: Draft, element: str, value: Any) -> None:
        """State an element; what was said before stays, an equal statement is an echo."""
        resource = draft.resource
        present = resource.get(element)
        if present is None:
            resource[element] = value
        elif present == value:
            self.echoes.append(value)

    def append(self, draft: Draft, element: str, value: Any) -> None:
        """Add to a list of a resource, once."""
        self.add(draft.resource.setdefault(element, []), value)

    def add(self, items: list[Any], value: Any) -> None:
        """Add to a list, once; what is in a long list is looked up, not searched for."""
        if len(items) < _LONG_LIST:
            present = value in items
        else:
            held, known = self.listed.get(id(items), (None, set()))
            if held is not items:
                known = set(map(repr, items))
                self.listed[id(items)] = items, known
            written = repr(value)
            present = written in known
            known.add(written)
        if present:
            self.echoes.append(value)
        else:
            items.append(value)

    # -- issues ----------------------------------------------------------------------------

    def issue(self, code: str, sentence: str, leaf: object = None, hl7_code: str = "") -> None:
        """Report something the receiver of the output should know; never the value itself."""
        location = ""
        if isinstance(leaf, Text):
            source = leaf.source
            location = self.path(source[0] if isinstance(source, tuple) else source)
        elif isinstance(leaf, str):
            location = leaf
        severity: Severity = "information" if code == "informational" else "warning"
        self.issues.append(Issue(severity, code, sentence, location, hl7_code))

    # -- codes -----------------------------------------------------------------------------

    @abstractmethod
    def lookup(self, name: str, leaf: Text, field: str = "") -> Coded | None:
        """Translate a code by a table; the dialect's local codes of `field` come first."""

    def code(self, name: str, leaf: Text | None, field: str = "") -> str | None:
        """Translate to a plain code; an unknown one becomes an issue and None."""
        if leaf is None:
            return None
        found = self.lookup(name, leaf, field)
        if found is None:
            self.unknown(leaf)
            return None
        return text(found.code, leaf.source)

    def coded(self, target: dict[str, Any], element: str, name: str, leaf: Text) -> None:
        """Set an element of type code; an unknown code stays beside it as original text."""
        found = self.lookup(name, leaf)
        if found is not None:
            target[element] = text(found.code, leaf.source)
            return
        self.unknown(leaf)
        target[f"_{element}"] = {"extension": [{"url": ORIGINAL_TEXT, "valueString": leaf}]}

    def unknown(self, leaf: Text) -> None:
        """Report a code no table holds."""
        self.issue("code-invalid", "the code is not in the table of its field", leaf, "103")
