"""What came before: values worth keeping because the same was met twice.

Most of what a message holds never comes again. Of a first comer only a hash is noted, so that
nothing is kept (and thrown away later) for it.
"""

from __future__ import annotations

from typing import Any

_MOST_KEPT = 8_192
_MOST_MET = 32_768


class Returning:
    """Values by the keys they are made of; bounded, forgets at will. Nobody changes a value."""

    __slots__ = ("_met", "kept")

    def __init__(self) -> None:
        """Begin empty."""
        self.kept: dict[Any, Any] = {}
        self._met: set[int] = set()

    def again(self, key: Any) -> bool:
        """Tell whether a key that is not kept was met before; from now on it was."""
        mark, met = hash(key), self._met
        if mark in met:
            return True
        if len(met) >= _MOST_MET:
            met.clear()
        met.add(mark)
        return False

    def keep(self, key: Any, value: Any) -> None:
        """Keep the value of a key that was met before."""
        if len(self.kept) >= _MOST_KEPT:
            self.forget()
        self.kept[key] = value

    def forget(self) -> None:
        """Forget what is kept."""
        self.kept.clear()
