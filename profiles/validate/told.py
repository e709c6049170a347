"""Issues as far as anybody reads them: what ends a validation that finds more."""

from __future__ import annotations

from collections.abc import Iterable

from profiles.issue import Issue

MOST = 10_000
MORE = f"there are more than {MOST} issues: what follows them was not looked at"


class Enough(Exception):
    """As many issues as are told; what follows is not looked at."""


class Told(list[Issue]):
    """The issues of one validation. Raises Enough beyond the most that are told."""

    def append(self, issue: Issue) -> None:
        """Note an issue."""
        if len(self) == MOST:
            raise Enough
        super().append(issue)

    def extend(self, issues: Iterable[Issue]) -> None:
        """Note several issues."""
        for issue in issues:
            self.append(issue)
