"""and, or, xor, implies: three-valued, the right side evaluated only when it matters.

https://hl7.org/fhirpath/N1/#boolean-logic.
"""

from __future__ import annotations

from collections.abc import Callable

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.extensions import has_extension
from profiles.fhirpath.items import Items, has_value
from profiles.fhirpath.singles import truth
from profiles.fhirpath.sorting import Compile, Run, focus_itself
from profiles.fhirpath.syntax import Binary, Call, Constant, Expr, Member, Special, parts_of

#: True, False, or None for an empty operand.
Answer = bool | None
#: What an operand or criterion compiles to.
Answering = Callable[[Evaluation, Items], Answer]


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


def compile_logic(expr: Binary, compile_: Compile) -> Run:
    """Compile an operator that need not evaluate its right side."""
    answer = _combined(expr, compile_)

    def run(evaluation: Evaluation, focus: Items) -> Items:
        found = answer(evaluation, focus)
        return [] if found is None else [found]

    return run


def answering(expr: Expr, compile_: Compile) -> Answering:
    """Compile a condition: `compile_` and `truth` in one, without the collections between."""
    match expr:
        case Binary(operator, _, _) if operator in LOGIC and not _defines(expr):
            return _combined(expr, compile_)
        case Call(None | Special("this"), "hasValue", ()):
            return lambda _evaluation, focus: len(focus) == 1 and has_value(focus[0])
        case Call(Call(holder, "extension", (Constant(str() as url),)), "empty", ()) if (
            not _defines(expr)
        ):
            return _without_extension(focus_itself if holder is None else compile_(holder), url)
        case Call(Member() | Call() as target, "empty", ()) if not _defines(expr):
            found = compile_(target)
            return lambda evaluation, focus: not found(evaluation, focus)
        case Call(Member() | Call() as target, "exists", ()) if not _defines(expr):
            some = compile_(target)
            return lambda evaluation, focus: bool(some(evaluation, focus))
    run = compile_(expr)
    return lambda evaluation, focus: truth(run(evaluation, focus))


def _without_extension(holders: Run, url: str) -> Answering:
    def answer(evaluation: Evaluation, focus: Items) -> Answer:
        for item in holders(evaluation, focus):  # noqa: SIM110 - a generator costs more
            if has_extension(item, url):
                return False
        return True

    return answer


def _defines(expr: Expr) -> bool:
    """Say whether the scope of variables matters, which is the business of `compile_`."""
    return any(isinstance(part, Call) and part.name == "defineVariable" for part in parts_of(expr))


def _combined(expr: Binary, compile_: Compile) -> Answering:
    combine, settling, settled = LOGIC[expr.operator]
    left, right = answering(expr.left, compile_), answering(expr.right, compile_)

    def answer(evaluation: Evaluation, focus: Items) -> Answer:
        first = left(evaluation, focus)
        if first is not None and first is settling:
            return settled
        return combine(first, right(evaluation, focus))

    return answer
