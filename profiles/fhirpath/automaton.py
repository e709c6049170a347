"""Regular expressions as automata: linear in the text, whatever the expression.

The tree comes from Python's own parser; states are positions in a small program, and all
positions that are possible after a character are followed at once (Thompson's construction).
"""

from __future__ import annotations

import re
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from profiles.fhirpath.errors import FHIRPathLimitError

#: Positions of one program; a counted repeat is written out.
_MOST_STATES = 3_000
#: Characters × positions.
_MOST_STEPS = 5_000_000

#: ("char", test) | ("split", targets) | ("jump", target) | ("at", kind) | ("match",)
Step = tuple[Any, ...]


def matches(pattern: str, options: int, text: str, *, anchored: bool) -> bool:
    """Say whether the pattern matches at the start of the text, or anywhere.

    Raises FHIRPathLimitError for what an automaton cannot express, or is too large for.
    """
    tree = parser.parse(pattern, options)
    options = tree.state.flags  # with what the pattern itself asks for, such as (?i)
    program = _Program(options)
    program.add(tree)
    program.steps.append(("match",))
    if len(program.steps) * (len(text) + 1) > _MOST_STEPS:
        raise FHIRPathLimitError("the regular expression may take too long on this text")
    return _run(program.steps, text, anchored=anchored, options=options)


def _run(steps: list[Step], text: str, *, anchored: bool, options: int) -> bool:
    active: set[int] = set()
    for position in range(len(text) + 1):
        if not anchored or position == 0:
            _follow(steps, 0, active, (text, position), options)
        if any(steps[at][0] == "match" for at in active):
            return True
        if position == len(text):
            return False
        reached: set[int] = set()
        for at in active:
            if steps[at][0] == "char" and steps[at][1](text[position]):
                _follow(steps, at + 1, reached, (text, position + 1), options)
        active = reached
    return False


def _follow(
    steps: list[Step], start: int, active: set[int], place: tuple[str, int], options: int
) -> None:
    """Add every position reachable without reading a character."""
    waiting = [start]
    seen: set[int] = set()
    while waiting:
        at = waiting.pop()
        if at in seen or at in active:
            continue
        seen.add(at)
        kind = steps[at][0]
        if kind in ("char", "match"):
            active.add(at)
        elif kind == "split":
            waiting.extend(steps[at][1])
        elif kind == "jump":
            waiting.append(steps[at][1])
        elif _holds(steps[at][1], place, options):
            waiting.append(at + 1)


def _holds(kind: Any, place: tuple[str, int], options: int) -> bool:
    """Say whether an anchor or word boundary is at a place."""
    anchor = {
        codes.AT_BEGINNING: "^",
        codes.AT_BEGINNING_STRING: r"\A",
        codes.AT_END: "$",
        codes.AT_END_STRING: r"\Z",
        codes.AT_BOUNDARY: r"\b",
        codes.AT_NON_BOUNDARY: r"\B",
    }[kind]
    return re.compile(anchor, options & re.MULTILINE).match(*place) is not None


class _Program:
    """Writes a parsed expression as steps."""

    def __init__(self, options: int) -> None:
        self.steps: list[Step] = []
        self._options = options

    def add(self, tree: Any) -> None:
        """Append the steps of a sequence."""
        for operator, argument in tree:
            if len(self.steps) > _MOST_STATES:
                raise FHIRPathLimitError("the regular expression is too large")
            self._add_one(operator, argument)

    def _add_one(self, operator: Any, argument: Any) -> None:
        if operator in (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN):
            self.steps.append(("char", _test(operator, argument, self._options)))
        elif operator is codes.AT:
            self.steps.append(("at", argument))
        elif operator is codes.SUBPATTERN and not (argument[1] or argument[2]):
            self.add(argument[3])
        elif operator is codes.BRANCH:
            self._add_branches(argument[1])
        elif operator in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            self._add_repeat(*argument)
        else:
            raise FHIRPathLimitError("the regular expression may take too long on this text")

    def _add_branches(self, branches: list[Any]) -> None:
        split = len(self.steps)
        self.steps.append(("split", []))
        jumps = []
        for branch in branches:
            self.steps[split][1].append(len(self.steps))
            self.add(branch)
            jumps.append(len(self.steps))
            self.steps.append(("jump", 0))
        for jump in jumps:
            self.steps[jump] = ("jump", len(self.steps))

    def _add_repeat(self, least: int, most: Any, body: Any) -> None:
        for _ in range(min(least, _MOST_STATES)):
            self.add(body)
        if most is codes.MAXREPEAT:
            start = len(self.steps)
            self.steps.append(("split", [start + 1]))
            self.add(body)
            self.steps.append(("jump", start))
            self.steps[start][1].append(len(self.steps))
            return
        splits = []
        for _ in range(min(int(most) - least, _MOST_STATES)):
            splits.append(len(self.steps))
            self.steps.append(("split", [len(self.steps) + 1]))
            self.add(body)
        for split in splits:
            self.steps[split][1].append(len(self.steps))


def _test(operator: Any, argument: Any, options: int) -> Any:
    """Return a test of one character, made by Python's compiler from the one-character part."""
    written = parser.SubPattern(parser.State(), [(operator, argument)])
    written.state.str = ""
    written.state.flags = options
    compiled = _compile_tree(written, options)
    return lambda sign: compiled.match(sign) is not None


def _compile_tree(tree: Any, options: int) -> re.Pattern[str]:
    from re import _compiler  # type: ignore[attr-defined]

    compiled: re.Pattern[str] = _compiler.compile(tree, options)
    return compiled
