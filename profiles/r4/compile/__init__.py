"""Compiler from the published R4 definitions to the facts in `profiles/r4`.

One file per kind of fact; each exposes a pure function from `Definitions` to JSON data.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from profiles.r4.compile.bindings import compile_bindings
from profiles.r4.compile.canonicals import compile_canonicals
from profiles.r4.compile.definitions import Definitions, read_definitions
from profiles.r4.compile.elements import compile_elements
from profiles.r4.compile.primitives import compile_primitives
from profiles.r4.compile.search import compile_search
from profiles.r4.compile.structures import STRUCTURES, compile_structures
from profiles.r4.compile.summary import compile_summary
from profiles.r4.compile.terminology import TERMINOLOGY, compile_terminology

#: File stem → what writes its content. A new kind of fact is one line here.
KINDS: dict[str, Callable[[Definitions], Any]] = {
    "primitives": compile_primitives,
    "elements": compile_elements,
    "bindings": compile_bindings,
    "search": compile_search,
    "canonicals": compile_canonicals,
    "summary": compile_summary,
    **{kind: partial(compile_structures, kind=kind) for kind in STRUCTURES},
    **{kind: partial(compile_terminology, kind=kind) for kind in TERMINOLOGY},
}


def compile_core(core: Path) -> dict[str, bytes]:
    """Compile the definitions in folder `core`: kind → canonical JSON text.

    Raises FileNotFoundError when a definitions file is missing, NotConformant when one
    is damaged.
    """
    definitions = read_definitions(core)
    return {
        kind: orjson.dumps(compile_kind(definitions), option=orjson.OPT_SORT_KEYS)
        for kind, compile_kind in KINDS.items()
    }


def write_facts(compiled: dict[str, bytes], folder: Path) -> list[str]:
    """Write what differs from the files in `folder` and return its kinds.

    A file with the same content stays untouched, because zlib versions pack alike
    content into different bytes.
    """
    changed = []
    for kind, text in compiled.items():
        path = folder / f"{kind}.json.gz"
        if not path.exists() or gzip.decompress(path.read_bytes()) != text:
            path.write_bytes(gzip.compress(text, compresslevel=9, mtime=0))
            changed.append(kind)
    return changed
