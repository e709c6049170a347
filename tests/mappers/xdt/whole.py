"""What every translated xDT message holds, and how the mapping table names its elements."""

from __future__ import annotations

import importlib
import json
import re

from mappers.base import Mapped
from profiles.reading import write_json


def assert_balanced(mapped: Mapped) -> None:
    """Taken, every content accounted for once, every resource sound to others as well."""
    loss = mapped.loss
    assert mapped.refusal is None
    assert loss.fields == loss.mapped + loss.ignored
    assert mapped.lineage is not None
    named = {place for places in mapped.lineage.values() for place in places}
    assert not named & {place for place, _ in loss.ignored_paths}
    for change in mapped.changes:
        module = importlib.import_module(f"fhir.resources.R4B.{change.type.lower()}")
        getattr(module, change.type).model_validate(json.loads(write_json(change.resource)))


def target(element: str) -> str:
    """ "Patient/….name[0]._family.extension[0].url" → "Patient.name.family.extension"."""
    head, _, rest = element.partition(".")
    parts = []
    for part in rest.split("."):
        parts.append(re.sub(r"\[\d+\]", "", part).lstrip("_"))
        if parts[-1] == "extension":
            break
    return ".".join([head.partition("/")[0], *parts])
