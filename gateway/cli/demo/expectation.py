"""What should happen: the demo compares, and stops at the first difference."""

from __future__ import annotations


class Deviation(Exception):
    """Something went otherwise than the story says; the text is one sentence for people."""


def expect(true: object, otherwise: str) -> None:
    """Go on only if it is true. Raises Deviation with the sentence."""
    if not true:
        raise Deviation(otherwise)
