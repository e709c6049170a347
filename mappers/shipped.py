"""Dialects that come with the package (`mappers/dialects`), which others build upon.

`de` is the default: HL7 v2 as HL7 Deutschland profiles it. `standard` says nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

#: What a dialect builds on when it does not say.
DEFAULT = "de"
#: HL7 as it is, without the habits of any country.
STANDARD = "standard"
NAMES = (DEFAULT, STANDARD)


@cache
def mapping_of(name: str) -> Mapping[str, Any]:
    """Return a shipped dialect as a TOML table; raises KeyError when there is none of the name."""
    if name == STANDARD:
        return {}
    if name not in NAMES:
        raise KeyError(name)
    text = files("mappers").joinpath("dialects", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def scalars_of(name: str) -> dict[str, Any]:
    """Return what a shipped dialect says that is no table; raises KeyError as `mapping_of`."""
    return {k: v for k, v in mapping_of(name).items() if not isinstance(v, Mapping)}


def understood(base: str, table: str, own: Mapping[str, Any]) -> Mapping[str, Any]:
    """Lay a dialect's own names over those the shipped one understands.

    Understood is for reading: a partner is written the names of its own dialect only.
    """
    under = mapping_of(base).get(table)
    return {**under, **own} if under else own
