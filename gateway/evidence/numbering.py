"""Which number each leaf has to have, whatever the leaves themselves claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.evidence.leaf import Leaf, read_leaf
from gateway.evidence.report import Finding
from profiles.issue import NotConformant


def _parsed(leaves: Iterable[bytes]) -> Iterator[tuple[bytes, Leaf | None]]:
    for data in leaves:
        try:
            yield data, read_leaf(data)
        except NotConformant:
            yield data, None


def numbered(
    leaves: Iterable[bytes], findings: list[Finding]
) -> Iterator[tuple[int | None, bytes, Leaf | None]]:
    """Give each leaf the number it has to have (None: it belongs nowhere).

    Looking one leaf ahead tells a shift of all that follow from a single wrong number.
    """
    rows = _parsed(leaves)
    row = next(rows, None)
    expected = 0
    while row is not None:
        following = next(rows, None)
        data, leaf = row
        after = following[1].seq if following is not None and following[1] is not None else -1
        index = _place(leaf, expected, after, findings)
        yield index, data, leaf
        expected = expected if index is None else index + 1
        row = following


def _place(leaf: Leaf | None, expected: int, after: int, findings: list[Finding]) -> int | None:
    """The number of this leaf; `after` is the one the next leaf claims (-1 unknown)."""
    if leaf is None:
        findings.append(Finding(expected, expected, "form", "The leaf is not in canonical form."))
        return expected
    found = leaf.seq
    if found == expected:
        return expected
    # After two swapped neighbours the earlier number comes next as well.
    if after == expected and found != expected + 1:
        _number(findings, expected, expected, "A leaf stands here that does not belong here.")
        return None
    if after != found + 1:
        _number(findings, expected, expected, "The leaf has a wrong number.")
        return expected
    if found > expected:
        _number(findings, expected, found - 1, "Leaves are missing.")
    else:
        _number(findings, found, expected - 1, "Leaf numbers come twice.")
    return found


def _number(findings: list[Finding], first: int, last: int, text: str) -> None:
    findings.append(Finding(first, last, "number", text))
