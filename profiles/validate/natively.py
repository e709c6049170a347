"""Rules in Python as checks of the types they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from profiles.r4 import facts
from profiles.validate.members import Item
from profiles.validate.places import written
from profiles.validate.references import containment_issues
from profiles.validate.rules import RULES, Rule
from profiles.validate.run import Check, Run
from profiles.validate.structure import resource_types


def checks_of(code: str) -> Iterator[Check]:
    """Return what is checked natively about values of a type."""
    if facts("elements")["types"].get(code, {}).get("kind") == "resource":
        yield _containing
        yield from map(_of_resource, RULES.get(code, ()))
    else:
        yield from map(_of_data_type, RULES.get(code, ()))
    if code == "Reference":
        yield _fragment
        yield _leads_to_its_type


def _of_data_type(rule: Rule) -> Check:
    """Let a rule look at a value; its place is written out for issues only."""

    def check(item: Item, run: Run) -> None:
        for issue in rule(item.value, ""):
            run.issues.append(replace(issue, location=written(item.place) + issue.location))

    return check


def _of_resource(rule: Rule) -> Check:
    def check(item: Item, run: Run) -> None:
        run.issues.extend(rule(item.value, written(item.place)))

    return check


def _containing(item: Item, run: Run) -> None:
    """What is contained is looked at with what contains it."""
    if "contained" in item.value and run.root is run.resource:
        run.issues.extend(containment_issues(item.value, written(item.place)))


def _fragment(item: Item, run: Run) -> None:
    url = item.value.get("reference")
    if not isinstance(url, str) or not url.startswith("#") or url == "#":
        return
    if url[1:] not in run.contained:
        text = "ref-1: SHALL have a contained resource if a local reference is provided"
        run.report("error", "invariant", text, (item.place, "reference"))


def _leads_to_its_type(item: Item, run: Run) -> None:
    """In a Bundle a reference may lead to an entry of another type than it names."""
    url = item.value.get("reference")
    if not run.full_url or not isinstance(url, str) or ":" in url:
        return
    found = run.resolve(url)
    named = url.partition("/")[0]
    if found is not None and found[0].get("resourceType") != named and named in resource_types():
        text = f"the reference names {named}, the entry it leads to is of another type"
        run.report("error", "value", text, (item.place, "reference"))
