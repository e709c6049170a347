"""Versions of packages and resources: order, and the ranges dependencies are written in.

https://semver.org (order), https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
(`1.5.x`, `latest`). npm's `^`, `~`, comparators and `||` are understood as well, because package
authors write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

#: Something to sort versions by; greater is newer.
SortKey = tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...], str]
#: Says whether a version lies in a range.
Test = Callable[[str], bool]

_NUMBERS = re.compile(r"\d{1,18}(?:\.\d{1,18})*")
_PART = re.compile(r"(\^|~|>=|<=|>|<|=)?\s*v?([0-9A-Za-z.*+_-]+)\Z")
_WILDCARD = frozenset({"x", "X", "*"})
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)\Z")
_NO_RELEASE = (-1,)
#: Words that mean "the newest there is".
_NEWEST = frozenset({"", "*", "x", "latest", "current", "dev"})


@lru_cache(maxsize=4096)
def sort_key(version: str) -> SortKey:
    """Return what orders versions as semver does; a pre-release comes before its release.

    What is no semver at all comes before everything that is, by its text.
    """
    plain, _, _build = version.partition("+")
    numbers, _, label = plain.partition("-")
    if not _NUMBERS.fullmatch(numbers):
        return (_NO_RELEASE, 0, (), version)
    parts = _padded([int(one) for one in numbers.split(".")])
    return (parts, 0 if label else 1, tuple(_identifier(one) for one in label.split(".")), version)


def is_prerelease(version: str) -> bool:
    """Say whether a version has a pre-release label (`1.0.0-rc1`)."""
    return sort_key(version)[1] == 0


def satisfies(version: str, wanted: str) -> bool:
    """Say whether a version lies in the range that a dependency names."""
    wanted = wanted.strip()
    if wanted in _NEWEST or wanted == version:
        return True
    return any(_all(part)(version) for part in wanted.split("||"))


def best(versions: Iterable[str], wanted: str) -> str | None:
    """Return the newest version in a range, None when there is none.

    An exact version wins; pre-releases count only where no release fits.
    """
    fitting = [one for one in versions if satisfies(one, wanted)]
    if wanted in fitting:
        return wanted
    released = [one for one in fitting if not is_prerelease(one)]
    return max(released or fitting, key=sort_key, default=None)


def _identifier(text: str) -> tuple[int, int, str]:
    """Numeric identifiers come before the others (semver, 11.4)."""
    return (0, int(text), "") if text.isdecimal() and len(text) < 19 else (1, 0, text)


def _padded(numbers: list[int]) -> tuple[int, ...]:
    """`1.5` and `1.5.0` are the same place in the order."""
    while len(numbers) > 3 and not numbers[-1]:
        numbers.pop()
    return (*numbers, *([0] * (3 - len(numbers))))


@lru_cache(maxsize=4096)
def _all(text: str) -> Test:
    """One alternative of a range: comparators that all have to hold."""
    text = text.strip()
    if hyphen := _HYPHEN.match(text):
        text = f">={hyphen[1]} <={hyphen[2]}"
    text = re.sub(r"(\^|~|>=|<=|>|<|=)\s+", r"\1", text)
    tests = [_one(part) for part in text.split()]
    return lambda version: bool(tests) and all(test(version) for test in tests)


def _one(part: str) -> Test:
    found = _PART.match(part)
    if found is None:
        return lambda version: version == part
    operator, text = found[1] or "", found[2]
    given = _given(text)
    if operator in {"", "="}:
        return _prefix(given) if given is not None and len(given) < 3 else _same(text)
    if given is None:
        given = _release(text)
    if given == _NO_RELEASE:
        return lambda _version: False
    if operator in {"^", "~"}:
        return _between(_padded(list(given)), _ceiling(given, operator))
    return _compared(operator, text, given)


def _given(text: str) -> tuple[int, ...] | None:
    """Return the numbers before a wildcard or the end; None when it is no plain version."""
    numbers: list[int] = []
    for one in text.split("."):
        if one in _WILDCARD:
            return tuple(numbers[:2])
        if not one.isdecimal() or len(one) > 18:
            return None
        numbers.append(int(one))
    return tuple(numbers)


def _release(version: str) -> tuple[int, ...]:
    return sort_key(version)[0]


def _same(text: str) -> Test:
    key = sort_key(text)[:3]
    return lambda version: sort_key(version)[:3] == key


def _prefix(given: tuple[int, ...]) -> Test:
    return lambda version: _release(version)[: len(given)] == given


def _between(low: tuple[int, ...], high: tuple[int, ...]) -> Test:
    return lambda version: low <= _release(version) < high


def _ceiling(given: tuple[int, ...], operator: str) -> tuple[int, ...]:
    """Where `^` (leftmost digit that is not zero stays) and `~` (minor stays) end."""
    keep = min(2, len(given))
    if operator == "^":
        significant = next((at for at, one in enumerate(given) if one), len(given) - 1)
        keep = significant + 1
    if not given:
        return (10**18,)
    return (*given[: keep - 1], given[keep - 1] + 1)


def _compared(operator: str, text: str, given: tuple[int, ...]) -> Test:
    whole = sort_key(text)[:3] if len(given) != 1 and len(given) != 2 else None
    if whole is not None:
        return {
            ">": lambda version: sort_key(version)[:3] > whole,
            ">=": lambda version: sort_key(version)[:3] >= whole,
            "<": lambda version: sort_key(version)[:3] < whole,
            "<=": lambda version: sort_key(version)[:3] <= whole,
        }[operator]
    size = len(given)
    return {
        ">": lambda version: _release(version)[:size] > given,
        ">=": lambda version: _release(version)[:size] >= given,
        "<": lambda version: _release(version)[:size] < given,
        "<=": lambda version: _release(version)[:size] <= given,
    }[operator]
