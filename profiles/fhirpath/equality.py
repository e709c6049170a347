"""Equal (=), equivalent (~), and what counts as the same item in a set.

https://hl7.org/fhirpath/N1/#equality. None stands for an empty result.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.items import Items, Node, system
from profiles.fhirpath.numbers import decimal, equivalent
from profiles.fhirpath.quantity import Quantity, compare, equivalent_quantities
from profiles.fhirpath.temporal import Temporal, comparable
from profiles.fhirpath.temporal import compare as compare_temporal

_NUMBERS = (int, Decimal)


def is_number(value: Any) -> bool:
    """Say whether a System value is an Integer, Long or Decimal."""
    return isinstance(value, _NUMBERS) and value.__class__ is not bool


def as_quantity(value: Any) -> Quantity | None:
    """Return a quantity, or a number as a dimensionless one."""
    if value.__class__ is Quantity:
        found: Quantity = value
        return found
    return Quantity(decimal(value)) if is_number(value) else None


def equal(left: Any, right: Any) -> bool | None:
    """Compare two items with `=`."""
    mine, other = system(left), system(right)
    if left.__class__ is Node and right.__class__ is Node:
        # Primitive values are compared as values, whatever extensions they carry.
        if mine is None or other is None or mine.__class__ is Node or other.__class__ is Node:
            return same_json(left.value, right.value) and same_json(left.extra, right.extra)
    elif mine is None or other is None:
        return None
    return equal_values(mine, other)


def equal_values(mine: Any, other: Any) -> bool | None:
    """Compare two System values with `=`."""
    if mine.__class__ is other.__class__ and mine.__class__ in (str, bool, int):
        return bool(mine == other)
    if is_number(mine) and is_number(other):
        return bool(mine == other)
    if isinstance(mine, Temporal) and isinstance(other, Temporal):
        if not comparable(mine, other):
            return False
        order = compare_temporal(mine, other)
        return None if order is None else order == 0
    if mine.__class__ is Quantity or other.__class__ is Quantity:
        return _equal_quantities(as_quantity(mine), as_quantity(other))
    return mine.__class__ is other.__class__ and bool(mine == other)


def _equal_quantities(mine: Quantity | None, other: Quantity | None) -> bool | None:
    if mine is None or other is None:
        return False
    order = compare(mine, other)
    return None if order is None else order == 0


def equal_collections(left: Items, right: Items) -> bool | None:
    """Compare two collections with `=`: the same items in the same order."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for mine, other in zip(left, right, strict=True):
        answer = equal(mine, other)
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True


def same_json(left: Any, right: Any) -> bool:
    """Compare JSON data; null members do not count, numbers compare by value."""
    if left.__class__ is dict and right.__class__ is dict:
        return _same_objects(left, right)
    if left.__class__ is list and right.__class__ is list:
        return len(left) == len(right) and all(map(same_json, left, right))
    if _is_json_number(left) and _is_json_number(right):
        return decimal(left) == decimal(right)
    return left.__class__ is right.__class__ and bool(left == right)


def _is_json_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and value.__class__ is not bool


def _same_objects(left: dict[str, Any], right: dict[str, Any]) -> bool:
    mine = {name: value for name, value in left.items() if value is not None}
    other = {name: value for name, value in right.items() if value is not None}
    return mine.keys() == other.keys() and all(
        same_json(value, other[name]) for name, value in mine.items()
    )


def equivalent_items(left: Any, right: Any) -> bool:
    """Compare two items with `~`."""
    mine, other = system(left), system(right)
    if left.__class__ is Node and right.__class__ is Node:
        if mine is None or other is None or mine.__class__ is Node or other.__class__ is Node:
            return _alike_json(left.value, right.value)
    elif mine is None or other is None:
        return False
    return _equivalent_values(mine, other)


def _equivalent_values(mine: Any, other: Any) -> bool:
    if mine.__class__ is str and other.__class__ is str:
        return folded(mine) == folded(other)
    if is_number(mine) and is_number(other):
        return equivalent(mine, other)
    if isinstance(mine, Temporal) and isinstance(other, Temporal):
        return comparable(mine, other) and compare_temporal(mine, other) == 0
    if mine.__class__ is Quantity or other.__class__ is Quantity:
        first, second = as_quantity(mine), as_quantity(other)
        return bool(first and second and equivalent_quantities(first, second))
    return mine.__class__ is other.__class__ and bool(mine == other)


def folded(text: str) -> str:
    """Ignore case, and which white space it is."""
    return "".join(" " if sign.isspace() else sign for sign in text.lower())


def _alike_json(left: Any, right: Any) -> bool:
    if left.__class__ is dict and right.__class__ is dict:
        mine = {name: one for name, one in left.items() if one is not None and name != "id"}
        other = {name: one for name, one in right.items() if one is not None and name != "id"}
        return mine.keys() == other.keys() and all(
            _alike_json(value, other[name]) for name, value in mine.items()
        )
    if left.__class__ is list and right.__class__ is list:
        return len(left) == len(right) and _matched(left, right)
    if _is_json_number(left) and _is_json_number(right):
        return equivalent(decimal(left), decimal(right))
    if left.__class__ is str and right.__class__ is str:
        return folded(left) == folded(right)
    return left.__class__ is right.__class__ and bool(left == right)


def _matched(left: list[Any], right: list[Any]) -> bool:
    rest = list(right)
    for mine in left:
        place = next((at for at, one in enumerate(rest) if _alike_json(mine, one)), None)
        if place is None:
            return False
        rest.pop(place)
    return True


def equivalent_collections(evaluation: Evaluation, left: Items, right: Items) -> bool:
    """Compare two collections with `~`: the same items in any order."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for mine in left:
        evaluation.spend(len(rest))
        place = next((at for at, one in enumerate(rest) if equivalent_items(mine, one)), None)
        if place is None:
            return False
        rest.pop(place)
    return True


class Seen:
    """Items already met, by `=`; hashing what is simple keeps sets of texts linear."""

    __slots__ = ("_buckets", "_evaluation", "_hard", "_keys", "_simple")

    def __init__(self, evaluation: Evaluation, items: Items | None = None) -> None:
        """Begin with some items."""
        self._evaluation = evaluation
        self._keys: set[Any] = set()
        self._simple: Items = []
        self._hard: Items = []
        self._buckets: dict[Any, Items] = {}
        for item in items or ():
            self.add(item)

    def add(self, item: Any) -> bool:
        """Remember an item; say whether it was new."""
        if item in self:
            return False
        key, bucket = _key(item), _bucket(item)
        if bucket is not None:
            self._buckets.setdefault(bucket, []).append(item)
        elif key is None:
            self._hard.append(item)
        else:
            self._keys.add(key)
            self._simple.append(item)
        return True

    def __contains__(self, item: Any) -> bool:
        """Say whether an equal item was met."""
        bucket = _bucket(item)
        if bucket is not None:
            return self._among(self._buckets.get(bucket, []), item)
        key = _key(item)
        if key is not None:
            if key in self._keys:
                return True
            return self._among(self._hard, item)
        return self._among(self._hard, item) or self._among(self._simple, item)

    def _among(self, items: Items, item: Any) -> bool:
        self._evaluation.spend(len(items) + 1)
        return any(equal(one, item) for one in items)


def _key(item: Any) -> Any:
    """Return what equal items share and others do not; None for what has to be compared."""
    value = item
    if item.__class__ is Node:
        if item.extra:
            return None
        value = system(item)
    if value.__class__ is str:
        return value
    if value.__class__ is bool:
        return ("boolean", value)
    return ("number", value) if isinstance(value, _NUMBERS) else None


def _bucket(item: Any) -> Any:
    """Return what equal JSON objects have in common: their texts; None for other items."""
    if item.__class__ is not Node or item.value.__class__ is not dict:
        return None
    if item.type.convert is not None and not item.type.untyped:
        return None
    texts = [(name, one) for name, one in item.value.items() if one.__class__ is str]
    return tuple(sorted(texts))


def distinct(evaluation: Evaluation, items: Items) -> Items:
    """Return items without repetitions, first ones kept."""
    seen = Seen(evaluation)
    return [item for item in items if seen.add(item)]
