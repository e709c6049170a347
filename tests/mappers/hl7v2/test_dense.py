"""A message with every field filled is taken whatever its structure, and what is lost is known."""

from __future__ import annotations

import csv

import pytest

from mappers.base import Mapped
from profiles.validate import structure
from tests.mappers.hl7v2 import coverage, dense

LEFT = dense.HERE / "dense-left.csv"
#: At most this share of the leaves may be ignored, and left over (a fifth where OBX is a document).
MOST_IGNORED, MOST_LEFT = 0.10, 0.20


def listed() -> dict[str, frozenset[str]]:
    """Field → messages in which it is left over."""
    with LEFT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["reason"] for row in rows)
    everywhere = frozenset(dense.STRUCTURES)
    return {
        row["field"]: everywhere if row["messages"] == "*" else frozenset(row["messages"].split())
        for row in rows
    }


@pytest.fixture(scope="module")
def translated() -> dict[str, Mapped]:
    """Every structure's dense message, translated."""
    return {kind: mapped for kind, _, mapped in dense.translated()}


@pytest.mark.parametrize("kind", dense.STRUCTURES)
def test_a_message_with_every_field_is_taken_and_gives_valid_resources(
    kind: str, translated: dict[str, Mapped]
) -> None:
    mapped = translated[kind]
    assert mapped.refusal is None
    assert mapped.changes
    for change in mapped.changes:
        assert [i for i in structure(change.resource) if i.severity in {"error", "fatal"}] == []


@pytest.mark.parametrize("kind", dense.STRUCTURES)
def test_what_is_left_over_of_every_field_is_listed(
    kind: str, translated: dict[str, Mapped]
) -> None:
    loss = translated[kind].loss
    known = listed()
    fields = {coverage.place(path) for path, _ in loss.unmapped}
    assert {field for field in fields if kind not in known.get(field, frozenset())} == set()
    assert loss.ignored <= MOST_IGNORED * loss.fields
    assert len(loss.unmapped) <= MOST_LEFT * loss.fields


def test_the_list_names_nothing_that_is_mapped_by_now(translated: dict[str, Mapped]) -> None:
    left = {
        coverage.place(path) for mapped in translated.values() for path, _ in mapped.loss.unmapped
    }
    assert listed().keys() - left == set()
