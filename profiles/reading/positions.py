"""Line and column of what there is to say about a document.

FHIRPath expressions of issues are looked up in the text the resource was read from. Lines and
columns count from 1, columns in characters. A place the document lacks is where it would stand:
that of the nearest element around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from profiles.issue import Issue
from profiles.reading.json_faults import fault_at
from profiles.reading.json_positions import find_in_json
from profiles.reading.limits import Limits
from profiles.reading.wanted import wanted
from profiles.reading.xml_positions import Position, find_in_xml

_DEFAULT = Limits()


def is_xml(data: bytes) -> bool:
    """Say whether a document is XML rather than JSON, by its first character."""
    return data[:1024].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<")


def located(
    issues: Sequence[Issue], data: bytes, *, limits: Limits = _DEFAULT
) -> tuple[Issue, ...]:
    """Return issues about a FHIR document in JSON or XML, with line and column.

    Those that have them keep them. A document above the size limit is not looked at.
    """
    missing = [one for one in issues if not one.line]
    if not missing or len(data) > limits.size:
        return tuple(issues)
    found = _in_xml(missing, data) if is_xml(data) else _in_json(missing, data, limits)
    return tuple(one if one.line else _at(one, found.get(one)) for one in issues)


def _at(issue: Issue, position: Position | None) -> Issue:
    return replace(issue, **position._asdict()) if position is not None else issue


def _in_xml(issues: list[Issue], data: bytes) -> dict[Issue, Position]:
    root, places = wanted(one.location for one in issues)
    find_in_xml(data, root)
    nearest = {one: places[one.location].nearest for one in issues}
    return {one: Position(*at) for one, at in nearest.items() if at is not None}


def _in_json(issues: list[Issue], data: bytes, limits: Limits) -> dict[Issue, Position]:
    text = data.decode("utf-8-sig", errors="replace")
    root, places = wanted(one.location for one in issues)
    find_in_json(text, root)
    offsets: dict[Issue, int] = {}
    for one in issues:
        at = None if one.location else fault_at(text, one.text, limits)
        if at is None and (nearest := places[one.location].nearest) is not None:
            at = nearest[0]
        if at is not None:
            offsets[one] = at
    lines = _lines(text, sorted(set(offsets.values())))
    return {one: lines[at] for one, at in offsets.items()}


def _lines(text: str, offsets: Iterable[int]) -> dict[int, Position]:
    """Turn ascending offsets into lines and columns, in one go through the text."""
    found: dict[int, Position] = {}
    line, seen, begins = 1, 0, 0
    for offset in offsets:
        line += text.count("\n", seen, offset)
        begins = max(begins, text.rfind("\n", seen, offset) + 1)
        seen = offset
        found[offset] = Position(line, offset - begins + 1)
    return found
