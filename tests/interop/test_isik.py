"""gematik's ISiK suite against a serving gateway that has the ISiK package, and the runner itself.

`conformance/isik.tsv` lists the scenarios that do not pass, with the reason.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from conformance.isik.gherkin import read_feature, variables
from conformance.isik.run import prepare, run
from conformance.isik.steps import Failed
from profiles.fhirpath import evaluate
from profiles.issue import GatewayError
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
SUITE = Path(os.environ.get("GATEWAY_SAMPLES", SHARED / "samples")) / "rest-isik-testsuite"
PACKAGES = Path(os.environ.get("GATEWAY_PACKAGES", SHARED / "packages")) / "de"
NEEDED = ("de.basisprofil.r4-1.4.0.tgz", "de.gematik.isik-basismodul-3.1.1.tgz")


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """A gateway with the package, where callers may choose ids; its client."""
    if not SUITE.is_dir() or not all((PACKAGES / name).is_file() for name in NEEDED):
        pytest.skip("GATEWAY_SAMPLES or GATEWAY_PACKAGES not found")
    folder = tmp_path_factory.mktemp("isik") / "region"
    command("init", folder)
    path, port = folder / "gateway.toml", free_port()
    text = path.read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    text = text.replace("127.0.0.1:2575", f"127.0.0.1:{free_port()}")
    path.write_text(text.replace("[http]", "[http]\ncreate_on_update = true", 1), encoding="utf-8")
    for name in NEEDED:
        command("package", "add", PACKAGES / name, "--packages", folder / "packages")
    command("apply", folder, "--yes")
    token = (folder / "keys" / "klinikum.token").read_text(encoding="ascii").strip()
    process = subprocess.Popen([sys.executable, "-m", "gateway", "serve", "--config", folder])
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}/fhir",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=60,
    ) as client:
        _listening(client)
        yield client
    process.terminate()
    process.wait(30)


def _listening(client):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            client.get("/metadata")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the gateway did not start")


def in_process(expression, body, media):
    resource = read_fhir_xml(body) if "xml" in media else read_json(body)
    try:
        return evaluate(expression, resource)
    except GatewayError as error:
        raise Failed(error.text) from error


def known():
    text = (ROOT / "conformance" / "isik.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {(row["feature"], row["scenario"]) for row in rows}


@pytest.mark.slow
@pytest.mark.samples
def test_the_base_module_of_stage_3_passes_but_for_what_is_listed(region):
    settings = (SUITE / "config" / "testdata__Stufe3__basis.yaml").read_text(encoding="utf-8")
    prepare(region)

    outcomes = list(
        run(SUITE / "Stufe3" / "Basis", region, variables(settings.splitlines()), in_process)
    )

    failed = {(one.feature, one.scenario): one.fault for one in outcomes if one.fault}
    assert failed.keys() == known(), failed
    assert len(failed) <= 0.15 * len(outcomes)


def test_an_outline_is_one_scenario_for_each_row(tmp_path):
    path = tmp_path / "x.feature"
    path.write_text(
        "@Tag\nFeature: x\n  Scenario Outline: ask\n    Then ask <what>\n"
        '      """\n      a <what>\n      """\n    Examples:\n      | what |\n      | one |\n'
        "      | two |\n  Scenario: last\n    # said\n    Given nothing\n",
        encoding="utf-8",
    )

    feature = read_feature(path)

    assert [one.name for one in feature.scenarios] == ["ask (one)", "ask (two)", "last"]
    assert feature.scenarios[1].steps[0].text == "ask two"
    assert feature.scenarios[1].steps[0].block == ["a two"]
