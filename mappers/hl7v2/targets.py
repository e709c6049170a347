"""What becomes of which field, told beside the functions that do it.

Rows of the CSV tables need no telling. Keys are fields ("PV1-2"), or a segment for what all of
it says; values are elements ("Encounter.class"), or a type for a resource of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

Targets = Mapping[str, tuple[str, ...]]
