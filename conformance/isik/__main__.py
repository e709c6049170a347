"""Run gematik's ISiK test suite against a gateway."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import httpx

from conformance.isik.gherkin import variables
from conformance.isik.run import by_command, prepare, run


def main() -> int:
    """Run the suite; exit code 1 when a scenario failed."""
    parser = argparse.ArgumentParser(prog="python -m conformance.isik", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of .feature files")
    parser.add_argument("--base", required=True, help="address of the FHIR interface")
    parser.add_argument("--token", default="", help="bearer token")
    parser.add_argument("--data", type=Path, required=True, help="the suite's settings (YAML)")
    parser.add_argument("--gateway", default="gateway", help="command that evaluates FHIRPath")
    arguments = parser.parse_args()
    headers = {"Authorization": f"Bearer {arguments.token}"} if arguments.token else {}
    data = variables(arguments.data.read_text(encoding="utf-8").splitlines())
    with httpx.Client(
        base_url=arguments.base, headers=headers, trust_env=False, timeout=60
    ) as client:
        prepare(client)
        failed = total = 0
        for outcome in run(arguments.folder, client, data, by_command(arguments.gateway)):
            total += 1
            failed += bool(outcome.fault)
            mark = f"✗ {outcome.fault}" if outcome.fault else "✓"
            print(f"{outcome.feature}: {outcome.scenario}  {mark}")
    print(f"{total - failed} of {total} scenarios passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
