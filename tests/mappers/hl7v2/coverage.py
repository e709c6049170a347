"""How much of the sample messages becomes FHIR: `python -m tests.mappers.hl7v2.coverage`.

Prints per source what was accepted and where the leaves went, then the fields most often left
over. Kept as data counts neither narrative nor private extensions nor Basic resources.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import mappers
from mappers.base import Mapped
from mappers.hl7v2.batch import split
from mappers.hl7v2.tokenizer import tokenize
from profiles.validate import structure
from tests.mappers.hl7v2 import official

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
_PRIVATE = "https://region-gateway.example/"
_NO_MESSAGES = {".json", ".csv", ".tsv", ".md", ".xml", ".py", ".mllp"}
_MOST_BYTES = 400_000


@dataclass
class Account:
    """Sums over messages."""

    messages: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    invalid: int = 0
    fields: int = 0
    table: int = 0
    other: int = 0
    private: int = 0
    ignored: int = 0
    unmapped: int = 0
    #: Leaves whose field has an official target: all, and those kept as data.
    official: int = 0
    official_kept: int = 0

    def add(self, other: Account) -> None:
        """Add the sums of another account."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def folders(names: list[str]) -> list[Path]:
    """The folders with messages, or those of them that are named."""
    found = [*sorted(SAMPLES.glob("hl7v2-*")), SAMPLES / "german" / "hl7v2"]
    return [f for f in found if not names or any(n in str(f.relative_to(SAMPLES)) for n in names)]


def messages(folder: Path) -> Iterator[bytes]:
    """Every message of a folder; streams are cut."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()[:_MOST_BYTES] if path.suffix not in _NO_MESSAGES else b""
        if b"MSH" in data:
            yield from (piece for piece in split(data) if piece.startswith(b"MSH"))


@cache
def row_fields() -> frozenset[str]:
    """Fields of the row tables, e.g. "PID-7"."""
    found = set()
    for path in files("mappers.hl7v2").joinpath("rows").iterdir():
        segment = path.name.partition("_")[0].upper()
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        found |= {f"{segment}-{line.partition(',')[0]}" for line in lines}
    return frozenset(found)


def place(path: str) -> str:
    """Return the field of a leaf: "PID[2]-3[1].4" → "PID-3"."""
    name, _, rest = path.partition("-")
    digits = ""
    for character in rest:
        if not character.isdigit():
            break
        digits += character
    return f"{name.partition('[')[0]}-{digits}"


def _is_official(path: str) -> bool:
    name, _, number = place(path).partition("-")
    return (name, int(number or 0)) in official.fields()


def _resources(mapped: Mapped) -> dict[str, dict[str, Any]]:
    found = {f"{c.type}/{c.id}": c.resource for c in mapped.changes}
    if mapped.provenance is not None:
        found[f"Provenance/{mapped.provenance['id']}"] = mapped.provenance
    return found


def _is_data(path: str, resources: Mapping[str, dict[str, Any]]) -> bool:
    """Tell data from narrative, private extensions and Basic."""
    head, _, rest = path.partition(".")
    if head.startswith("Basic/") or rest.startswith("text."):
        return False
    node: Any = resources.get(head)
    for step in rest.split("."):
        name, _, index = step.partition("[")
        node = node.get(name) if isinstance(node, dict) else None
        if index and isinstance(node, list):
            node = node[int(index.rstrip("]"))]
        url = node.get("url", "") if name == "extension" and isinstance(node, dict) else ""
        if str(url).startswith(_PRIVATE):
            return False
    return True


def private_leaves(mapped: Mapped) -> set[str]:
    """Source places that stand in narrative, private extensions or Basic only."""
    resources = _resources(mapped)
    good: set[str] = set()
    bad: set[str] = set()
    for path, sources in (mapped.lineage or {}).items():
        (good if _is_data(path, resources) else bad).update(sources)
    return bad - good


def measure(data: bytes, left: Counter[tuple[str, str]]) -> Account:
    """Account for one message; `left` counts (message type, field) of what is unmapped."""
    (mapped,) = mappers.convert(data, format="hl7v2", lineage=True)
    account = Account(messages=1)
    if mapped.refusal is not None:
        account.refused[f"{mapped.message_type} {mapped.refusal.location}"] += 1
        return account
    account.invalid = _invalid(mapped)
    loss = mapped.loss
    unkept = {path for path, _ in loss.unmapped} | {path for path, _ in loss.ignored_paths}
    private = private_leaves(mapped) - unkept
    for path in _all_leaves(data):
        table = place(path) in row_fields()
        kept = path not in unkept and path not in private
        account.table += kept and table
        account.other += kept and not table
        if _is_official(path):
            account.official += 1
            account.official_kept += kept
    account.fields, account.private = loss.fields, len(private)
    account.ignored, account.unmapped = loss.ignored, len(loss.unmapped)
    left.update((mapped.message_type, place(path)) for path, _ in loss.unmapped)
    return account


def _all_leaves(data: bytes) -> Iterator[str]:
    message = tokenize(data)
    for leaf in message.split_all():
        source = leaf.source
        if isinstance(source, int):
            yield message.path(source)


def _invalid(mapped: Mapped) -> int:
    bad = 0
    for resource in _resources(mapped).values():
        bad += any(i.severity in {"error", "fatal"} for i in structure(resource))
    return bad


def line(name: str, account: Account) -> str:
    """One line of the report."""
    all_ = account.fields or 1
    shares = [
        f"{label} {100 * count / all_:5.1f}%"
        for label, count in (
            ("table", account.table),
            ("other", account.other),
            ("private", account.private),
            ("ignored", account.ignored),
            ("unmapped", account.unmapped),
        )
    ]
    named = 100 * account.official_kept / (account.official or 1)
    accepted = account.messages - account.refused.total()
    return (
        f"{name:32} {accepted:5}/{account.messages:5} invalid {account.invalid:4} "
        f"leaves {account.fields:7} {' '.join(shares)} official {named:5.1f}%"
    )


def main(names: list[str]) -> None:
    """Print the account of every source."""
    write = sys.stdout.write
    total = Account()
    left: Counter[tuple[str, str]] = Counter()
    for folder in folders(names):
        account = Account()
        for data in messages(folder):
            account.add(measure(data, left))
        total.add(account)
        write(line(str(folder.relative_to(SAMPLES)), account) + "\n")
    write(line("all", total) + "\n\nrefused\n")
    write("".join(f"  {n:5} {what}\n" for what, n in total.refused.most_common(40)))
    by_field: Counter[str] = Counter()
    for (_, where), count in left.items():
        by_field[where] += count
    write("\nunmapped by field\n")
    write("".join(f"  {n:5} {what}\n" for what, n in by_field.most_common(120)))
    write("\nunmapped by message type\n")
    write("".join(f"  {n:5} {kind} {what}\n" for (kind, what), n in left.most_common(60)))


if __name__ == "__main__":
    main(sys.argv[1:])
