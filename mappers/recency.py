"""Who said what when: the clock of a resource, one entry per element.

Statements arrive in any order and older ones never overwrite newer ones. So every stored resource
remembers, per element, the instant of the statement that set (or cleared) it. The clock stands in
`meta.extension`, travels with the resource inside the gateway and is taken off before it leaves.

Written as `*=<instant> status=<instant> …`: `*` holds for every element not named. A weak statement
(a status merely implied by the kind of message) is written with a minus and loses against every
real one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

Resource = dict[str, Any]

CLOCK = "https://region-gateway.example/fhir/StructureDefinition/recency"
WEAK = "-"
_BASE = "*"

Clock = dict[str, str]


def first_clock(instant: str, weak: Iterable[str] = (), cleared: Iterable[str] = ()) -> str:
    """Write the clock of a first statement; "" when nothing is known of its time."""
    marks = "".join([f" {name}={WEAK}" for name in weak]) if weak else ""
    if cleared:
        marks += "".join([f" {register_key(name)}={instant}" for name in cleared])
    return f"{_BASE}={instant}{marks}" if instant or marks else ""


def with_clock(resource: Resource, clock: str) -> Resource:
    """Return the resource with its clock; the argument stays as it is."""
    if not clock:
        return resource
    meta: Mapping[str, Any] = resource.get("meta", {})
    extensions = [*meta.get("extension", ()), {"url": CLOCK, "valueString": clock}]
    return {**resource, "meta": {**meta, "extension": extensions}}


def read(resource: Resource, default: str = "") -> Clock:
    """Return the clock of a resource; without one every element has the default instant."""
    for extension in resource.get("meta", {}).get("extension", ()):
        if extension.get("url") == CLOCK:
            return _parse(str(extension.get("valueString", "")))
    return {_BASE: default}


def _parse(written: str) -> Clock:
    clock = dict(part.partition("=")[::2] for part in written.split(" ") if part)
    base = clock.get(_BASE, "")
    return {name: WEAK + base if when == WEAK else when for name, when in clock.items()}


def at(clock: Mapping[str, str], register: str) -> str:
    """Return the instant of a register."""
    return clock.get(register_key(register), clock.get(_BASE, ""))


def known(clock: Mapping[str, str], register: str) -> str:
    """Return the instant of a register only when the clock names it itself."""
    return clock.get(register_key(register), "")


def written(clock: Mapping[str, str], present: Iterable[str]) -> str:
    """Write a full clock; the most frequent instant of what is present becomes the base."""
    names = [register_key(name) for name in present]
    counted = Counter(clock[name] for name in names if name in clock)
    base = max(counted, key=lambda when: (counted[when], when)) if counted else ""
    base = base.removeprefix(WEAK)
    marked = [
        f"{name}={WEAK if when == WEAK + base else when}"
        for name, when in sorted(clock.items())
        if name != _BASE and (when != base or name not in names)
    ]
    return " ".join([f"{_BASE}={base}", *marked])


def register_key(register: str) -> str:
    """Return a register's name as the clock writes it."""
    if " " not in register and "=" not in register and "%" not in register:
        return register
    return register.replace("%", "%25").replace(" ", "%20").replace("=", "%3D")


def has_clock(resource: Resource) -> bool:
    """Tell whether a resource carries its clock."""
    extensions = resource.get("meta", {}).get("extension", ())
    return any(extension.get("url") == CLOCK for extension in extensions)


def without_clock(resource: Resource) -> Resource:
    """Return the resource as it may leave: without its clock; the argument stays as it is."""
    meta = resource.get("meta")
    if meta is None or "extension" not in meta:
        return resource
    kept = [e for e in meta["extension"] if e.get("url") != CLOCK]
    if len(kept) == len(meta["extension"]):
        return resource
    rest: dict[str, Any] = {key: value for key, value in meta.items() if key != "extension"}
    if kept:
        rest["extension"] = kept
    shown = {key: value for key, value in resource.items() if key != "meta"}
    return {**shown, "meta": rest} if rest else shown


def same_content(one: Resource | None, other: Resource | None) -> bool:
    """Tell whether two versions say the same; only their clocks may differ."""
    if one is None or other is None:
        return one is other
    return without_clock(one) == without_clock(other)
