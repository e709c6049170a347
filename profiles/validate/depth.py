"""How deep objects and lists may stand in each other: deeper than any resource that makes sense.

The readers of foreign documents refuse less (reading/limits.py); this bounds what comes from
elsewhere, so that no walk through a resource exhausts the stack.
"""

from __future__ import annotations

from typing import Any

MOST_LEVELS = 200
TOO_DEEP = f"the resource is nested too deeply: more than {MOST_LEVELS} levels"


def is_too_deep(value: Any) -> bool:
    """Say whether a JSON value has more levels than are looked at."""
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            # Most are texts.
            if type(inner) is not str and (type(inner) is dict or type(inner) is list)
        ]
        if not level:
            return False
    return True
