"""and, or, xor, implies: three-valued, the right side evaluated only when it matters.

https://hl7.org/fhirpath/N1/#boolean-logic.
"""

from __future__ import annotations

from collections.abc import Callable

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.items import Items
from profiles.fhirpath.singles import truth
from profiles.fhirpath.sorting import Run

#: True, False, or None for an empty operand.
Answer = bool | None


def _and(left: Answer, right: Answer, /) -> Answer:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: Answer, right: Answer, /) -> Answer:
    if left or right:
        return True
    return None if left is None or right is None else False


def _xor(left: Answer, right: Answer, /) -> Answer:
    return None if left is None or right is None else left is not right


def _implies(left: Answer, right: Answer, /) -> Answer:
    if left is False or right is True:
        return True
    return None if left is None or right is None else False


Logic = Callable[[Answer, Answer], Answer]
#: Operator → (three-valued function, left value that settles it, result then).
LOGIC: dict[str, tuple[Logic, bool | None, bool]] = {
    "and": (_and, False, False),
    "or": (_or, True, True),
    "xor": (_xor, None, False),
    "implies": (_implies, False, True),
}


def compile_logic(row: tuple[Logic, bool | None, bool], left: Run, right: Run) -> Run:
    """Compile an operator that need not evaluate its right side."""
    combine, settling, settled = row

    def run(evaluation: Evaluation, focus: Items) -> Items:
        first = truth(left(evaluation, focus))
        if first is not None and first is settling:
            return [settled]
        answer = combine(first, truth(right(evaluation, focus)))
        return [] if answer is None else [answer]

    return run
