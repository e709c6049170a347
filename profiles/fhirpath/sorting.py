"""sort(): STU in the current build of https://hl7.org/fhirpath/.

Keys are expressions, `-key` or `key desc` sort downwards, empty keys come first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.items import Items, system
from profiles.fhirpath.operators import compare
from profiles.fhirpath.singles import single
from profiles.fhirpath.syntax import Expr, Sign, SortKey

#: (evaluation, focus) → result.
Run = Callable[[Evaluation, Items], Items]
Compile = Callable[[Expr], Run]


def focus_itself(_evaluation: Evaluation, focus: Items) -> Items:
    """Return the focus: `$this`."""
    return focus


def build_sort(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    """Compile sort(): without keys the items themselves are compared."""
    keys = [_sort_key(compile_, one) for one in arguments] or [(focus_itself, 1)]

    def run(evaluation: Evaluation, focus: Items) -> Items:
        items = target(evaluation, focus)
        evaluation.spend(len(items) * (1 + len(items).bit_length()))
        rows: list[tuple[list[Any], Any]] = []
        for index, item in enumerate(items):
            evaluation.index = index
            rows.append(([system(single(key(evaluation, [item]))) for key, _ in keys], item))
        by_keys = cmp_to_key(lambda mine, other: _order(mine, other, keys))
        rows.sort(key=lambda row: by_keys(row[0]))
        return [item for _, item in rows]

    return run


def _sort_key(compile_: Compile, expr: Expr) -> tuple[Run, int]:
    if isinstance(expr, SortKey):
        return compile_(expr.key), -1 if expr.descending else 1
    if isinstance(expr, Sign) and expr.sign == "-":
        return compile_(expr.operand), -1
    return compile_(expr), 1


def _order(mine: Any, other: Any, keys: list[tuple[Run, int]]) -> int:
    """Empty keys come first, in either direction."""
    for first, second, (_, direction) in zip(mine, other, keys, strict=True):
        if first is None or second is None:
            order = int(first is not None) - int(second is not None)
        else:
            order = (compare(first, second) or 0) * direction
        if order:
            return order
    return 0
