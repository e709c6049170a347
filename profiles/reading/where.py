"""Where in a large foreign file a reader stands, so that a fault can be named with its line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from profiles.issue import NotConformant


@dataclass(slots=True)
class Where:
    """File and line last read; readers move it on."""

    file: str = ""
    #: Counted from 1; 0 before anything was read.
    line: int = 0

    def at(self, file: str, line: int) -> None:
        """Move on."""
        self.file, self.line = file, line

    def named(self, error: NotConformant) -> NotConformant:
        """Return the same error with file and line in front of its text."""
        if not self.file or error.text.startswith(self.file):
            return error
        place = f"{self.file}, line {self.line}: " if self.line else f"{self.file}: "
        issues = tuple(replace(one, text=place + one.text) for one in error.issues)
        return NotConformant(place + error.text, location=error.location, issues=issues)
