"""What a function is: Python, and how many arguments it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from profiles.fhirpath.items import Items


@dataclass(frozen=True, slots=True)
class Function:
    """A function whose arguments are evaluated before it is called."""

    #: (evaluation, input, *arguments) → result.
    call: Callable[..., Items]
    least: int = 0
    most: int = 0
