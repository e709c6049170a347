"""What reading criteria needs beyond their text: the time, the server's address, terminology."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from profiles.search.parameters import STANDARD, SearchParameters

Code = tuple[str, str]


class Codes(Protocol):
    """Terminology as search needs it; codes are (system, code). None: it cannot be decided."""

    def members(self, value_set: str) -> Collection[Code] | None:
        """Return everything in a value set (canonical URL)."""

    def below(self, system: str, code: str) -> Collection[Code] | None:
        """Return a code and everything it subsumes."""

    def above(self, system: str, code: str) -> Collection[Code] | None:
        """Return a code and everything that subsumes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where criteria are asked; what is absent is answered with "not supported"."""

    #: Present instant in microseconds, for the date prefix ap.
    now: int | None = None
    #: The server's own address without a trailing slash: references to it are local ones.
    base: str = ""
    codes: Codes | None = None
    parameters: SearchParameters = STANDARD
    #: Whether chains, _has and _list may be asked: somebody is there to follow them.
    linked: bool = False


#: Routes and rules: the text alone.
NOWHERE = Surroundings()
