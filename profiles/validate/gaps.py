"""Primitive values and what stands beside them: each has a value or an extension (ele-1).

https://hl7.org/fhir/R4/json.html#primitive: in lists `null` fills the gaps of either side.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from profiles.validate.places import Place
from profiles.validate.run import Run

#: Of an element that has an id at most.
BARE = "All FHIR elements must have a @value or children (ele-1)"


def look_at_gaps(values: Any, beside: Any, place: Place, run: Run) -> None:
    """Report what has neither value nor extension.

    `values` is what stands under an element's name (None: nothing), `beside` what stands under the
    name with an underscore; what has not the JSON form of a primitive is structure.py's business.
    """
    if type(beside) is not list:
        if values is None and _is_bare(beside):
            run.report("error", "invariant", BARE, place)
        return
    if values is not None and type(values) is not list:
        return
    for index, (value, extra) in enumerate(zip_longest(values or (), beside)):
        if value is None and _is_bare(extra):
            run.report("error", "invariant", BARE, (*place, index))


def _is_bare(extra: Any) -> bool:
    return extra is None or (type(extra) is dict and "extension" not in extra)
