"""Runs the published FHIRPath suites: `python tests/profiles/fhirpath/suites.py [r4|js] [FOLDER]`.

Prints passed and all cases per group, and every failing case with its reason.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from lxml import etree

import profiles.fhirpath as engine
from profiles.fhirpath import results
from profiles.fhirpath.numbers import Long
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3] / "../shared/samples"))
R4 = "fhirpath-r4-suite"
JS = "fhirpath-js-cases"


@dataclass(frozen=True)
class Outcome:
    """What became of one case."""

    group: str
    name: str
    #: "" when it passed.
    reason: str


@cache
def _resource(path):
    data = path.read_bytes()
    return read_fhir_xml(data) if path.suffix == ".xml" else read_json(data)


# The official R4 suite


def run_r4(folder):
    """Run every tests-fhir-r4*.xml in the folder."""
    for file in sorted(folder.glob("tests-fhir-r4*.xml")):
        for group in etree.parse(str(file)).getroot().iter("group"):
            for test in group.iter("test"):
                reason = _run_r4_test(folder, test)
                yield Outcome(group.get("name"), test.get("name"), reason)


def _run_r4_test(folder, test):
    expression = test.find("expression")
    invalid = expression.get("invalid")
    name = test.get("inputfile")
    resource = _resource(_input(folder, name)) if name else {"resourceType": "Patient"}
    strict = test.get("mode") == "strict" or invalid == "semantic"
    try:
        compiled = engine.compile(expression.text, strict=strict)
        items = compiled.nodes(resource)
    except engine.FHIRPathError as error:
        return "" if invalid else f"raised: {error}"
    if invalid:
        return f"no error, but {_shown(items)}"
    if test.get("predicate") == "true":
        items = [bool(items) and items != [False]]
    return _compare_r4(test, items)


def _input(folder, name):
    return next(
        path
        for path in (folder / "input" / name, (folder / "input" / name).with_suffix(".json"))
        if path.exists()
    )


def _compare_r4(test, items):
    expected = [output.text or "" for output in test.iter("output")]
    found = _shown(items)
    if test.get("ordered") == "false":
        expected, found = sorted(expected), sorted(found)
    pairs = zip(expected, found, strict=False)
    same = len(expected) == len(found) and all(one.lstrip("@") == other for one, other in pairs)
    return "" if same else f"expected {expected}, found {found}"


def _shown(items):
    return [_text(value) for value in results.plain(items)]


def _text(value):
    if value is True or value is False:
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


# The cases of fhirpath.js


def run_js(folder):
    """Run every YAML file in the folder's cases."""
    import yaml

    for file in sorted((folder / "cases").glob("*.yaml")):
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_loader())
        count = Counter()
        for case in _cases(content["tests"]):
            expressions = case["expression"]
            for expression in expressions if isinstance(expressions, list) else [expressions]:
                reason = _run_js_case(folder, content.get("subject"), case, expression)
                if reason is not None:
                    shown = " ".join(str(expression).split())
                    count[shown] += 1
                    suffix = f" ({count[shown]})" if count[shown] > 1 else ""
                    yield Outcome(file.stem, shown + suffix, reason)


def _loader():
    import yaml

    class Loader(yaml.SafeLoader):
        """Dates stay texts, as they are in JSON."""

    Loader.yaml_implicit_resolvers = {
        key: [row for row in rows if row[0] != "tag:yaml.org,2002:timestamp"]
        for key, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _cases(tests):
    for test in tests if isinstance(tests, list) else [tests]:
        group = next((key for key in test if key.startswith(("group", "- group"))), None)
        if group is not None:
            yield from _cases(test[group])
        elif "expression" in test and not test.get("disable"):
            yield test


def _run_js_case(folder, subject, case, expression):
    """None for cases about other FHIR versions or with an input that is not here."""
    model = case.get("model")
    if model not in (None, "r4"):
        return None
    resource = subject
    if "inputfile" in case:
        path = folder / "resources" / "r4" / case["inputfile"]
        if not path.exists():
            return None
        resource = _resource(path)
    options = {"model": "r4" if model else "none"}
    try:
        found = _evaluate_js(resource, case, expression, options)
    except engine.FHIRPathError as error:
        return "" if case.get("error") else f"raised: {error}"
    if case.get("error"):
        return f"no error, but {found}"
    expected = case.get("result")
    expected = expected if isinstance(expected, list) else [expected]
    same = len(expected) == len(found) and all(map(_same_js, expected, found))
    return "" if same else f"expected {expected}, found {found}"


def _evaluate_js(resource, case, expression, options):
    focus = resource
    base = case.get("context")
    type_name = None
    if isinstance(expression, dict):
        type_name, expression = expression["base"], expression["expression"]
    if base:
        focus = engine.compile(base, **options).nodes(resource)
    compiled = engine.compile(expression, **options)
    variables = case.get("variables")
    items = compiled.nodes(focus, type=type_name, resource=resource, variables=variables)
    return [results.as_json(one) if isinstance(one, Long) else one for one in results.plain(items)]


def _same_js(expected, found):
    if isinstance(found, bool) or isinstance(expected, bool):
        return expected is found
    if isinstance(found, engine.Quantity):
        return str(expected) == str(found)
    if isinstance(found, int | float | Decimal) and isinstance(expected, int | float):
        return abs(float(found) - float(expected)) <= 1e-14 * max(1.0, abs(float(expected)))
    return expected == found or str(expected) == str(found)


RUNS = {"r4": (run_r4, R4), "js": (run_js, JS)}


def main(arguments):
    """Print counts and failures of one suite, or of both."""
    kinds = arguments[:1] or list(RUNS)
    for kind in kinds:
        run, name = RUNS[kind]
        folder = Path(arguments[1]) if len(arguments) > 1 else SAMPLES / name
        outcomes = list(run(folder))
        for group in dict.fromkeys(one.group for one in outcomes):
            mine = [one for one in outcomes if one.group == group]
            passed = sum(not one.reason for one in mine)
            sys.stdout.write(f"{kind}\t{group}\t{passed}\t{len(mine)}\n")
        passed = sum(not one.reason for one in outcomes)
        sys.stdout.write(f"{kind}\tall\t{passed}\t{len(outcomes)}\t{passed / len(outcomes):.2%}\n")
        for one in outcomes:
            if one.reason:
                sys.stdout.write(f"FAILED\t{kind}\t{one.group}\t{one.name}\t{one.reason}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
