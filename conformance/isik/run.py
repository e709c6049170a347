"""Running the suite: records first, then every scenario of every feature."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import httpx

from conformance.isik.gherkin import Scenario, Step, read_feature
from conformance.isik.steps import Evaluate, Failed, World
from conformance.isik.steps import run as run_step

_VARIABLE = re.compile(r"\$\{data\.([\w-]+)\}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one scenario."""

    feature: str
    scenario: str
    #: "" when it passed; else what was wrong.
    fault: str = ""


def prepare(client: httpx.Client) -> None:
    """Create the records the features presuppose. Raises RuntimeError when one is refused."""
    text = resources.files("conformance.isik").joinpath("data.json").read_text(encoding="utf-8")
    for resource in json.loads(text):
        path = f"/{resource['resourceType']}/{resource['id']}"
        answer = client.put(path, json=resource, headers={"Prefer": "return=minimal"})
        if answer.status_code not in (200, 201):
            raise RuntimeError(f"PUT {path}: {answer.status_code} {answer.text[:300]}")


def run(
    folder: Path, client: httpx.Client, data: Mapping[str, str], evaluate: Evaluate
) -> Iterator[Outcome]:
    """Run the features of a folder, in the order of their names."""
    for path in sorted(folder.glob("*.feature")):
        feature = read_feature(path)
        world = World(client, evaluate)
        for scenario in feature.scenarios:
            yield Outcome(feature.name, scenario.name, _fault(scenario, world, data))


def _fault(scenario: Scenario, world: World, data: Mapping[str, str]) -> str:
    for step in scenario.steps:
        try:
            run_step(Step(_set(step.text, data), [_set(one, data) for one in step.block]), world)
        except Failed as failed:
            return f"{step.text[:120]}: {failed}"
        except LookupError as unknown:
            return f"no such step: {unknown}"
    return ""


def _set(text: str, data: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: data[match[1]], text)


def by_command(command: str) -> Evaluate:
    """Evaluate FHIRPath by the command line `gateway fhirpath`."""

    def evaluate(expression: str, body: bytes, media: str) -> list[Any]:
        suffix = ".xml" if "xml" in media else ".json"
        with tempfile.NamedTemporaryFile(suffix=suffix) as file:
            file.write(body)
            file.flush()
            done = subprocess.run(  # noqa: S603 - the command the caller named
                [command, "fhirpath", expression, file.name],
                check=False,
                capture_output=True,
                text=True,
            )
        if done.returncode:
            raise Failed(f"{expression}: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    return evaluate
