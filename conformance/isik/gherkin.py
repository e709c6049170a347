"""Feature files: scenarios with their steps, outlines filled in.

https://cucumber.io/docs/gherkin/reference: as much of it as the suite uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_STEP = re.compile(r"(?:Given|When|Then|And|But)\s+(.*)")
_HEADING = re.compile(r"(Feature|Scenario Outline|Scenario|Examples):\s*(.*)")
_QUOTES = '"""'


@dataclass(slots=True)
class Step:
    """One line that does or asks something, with the text block below it."""

    text: str
    block: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Scenario:
    """A run of steps."""

    name: str
    steps: list[Step] = field(default_factory=list)
    #: Rows of an outline's examples; the first has the names.
    examples: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class Feature:
    """The scenarios of one file, in order; they follow one another."""

    name: str
    scenarios: list[Scenario] = field(default_factory=list)


def read_feature(path: Path) -> Feature:
    """Read one file; raises ValueError for a line that is none of Gherkin's."""
    feature = Feature(path.stem)
    quoted = False
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if line == _QUOTES:
            quoted = not quoted
        elif quoted:
            if line:
                feature.scenarios[-1].steps[-1].block.append(line)
        elif line and line[0] not in "#@":
            try:
                _take(line, feature)
            except (IndexError, ValueError) as error:
                raise ValueError(f"{path.name}:{number}: {line}") from error
    feature.scenarios = [made for one in feature.scenarios for made in _filled(one)]
    return feature


def _take(line: str, feature: Feature) -> None:
    heading = _HEADING.match(line)
    if heading is not None:
        if heading[1].startswith("Scenario"):
            feature.scenarios.append(Scenario(heading[2]))
    elif line.startswith("|"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        feature.scenarios[-1].examples.append(cells)
    elif (step := _STEP.match(line)) is not None:
        feature.scenarios[-1].steps.append(Step(step[1]))
    else:
        raise ValueError(line)


def _filled(scenario: Scenario) -> Iterator[Scenario]:
    if not scenario.examples:
        yield scenario
        return
    names, *rows = scenario.examples
    for row in rows:
        values = dict(zip(names, row, strict=True))
        steps = [
            Step(_with(step.text, values), [_with(line, values) for line in step.block])
            for step in scenario.steps
        ]
        yield Scenario(f"{scenario.name} ({', '.join(row)})", steps)


def _with(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    return text


def variables(lines: Sequence[str]) -> dict[str, str]:
    """Read the suite's settings: `name: value` lines of its YAML files."""
    pairs = (line.partition(":") for line in lines if ":" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}
