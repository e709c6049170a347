"""A system that hands in its files over HTTP, one POST each.

    python -m conformance.partners.poster --to http://127.0.0.1:8080/inbound/praxis consent.json

The bearer token is read from a file, so that no command line shows it. One JSON line per answer.
Exit 0 when every file was taken (2xx), else 1.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from conformance.partners import process


def post(options: argparse.Namespace, file: Path) -> int:
    """Post one file and say how it was answered; 0 when nobody answers."""
    to = urlsplit(options.to)
    headers = {"Content-Type": options.content_type, "Accept": "application/fhir+json"}
    if options.token_file:
        headers["Authorization"] = f"Bearer {Path(options.token_file).read_text().strip()}"
    kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
    connection = kind(to.hostname or "", to.port, timeout=options.timeout)
    begun = time.monotonic()
    try:
        connection.request("POST", to.path or "/", body=file.read_bytes(), headers=headers)
        response = connection.getresponse()
        status, body = response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        process.say(file=file.name, status=0, why=type(error).__name__)
        return 0
    finally:
        connection.close()
    took = round((time.monotonic() - begun) * 1000, 2)
    process.say(file=file.name, status=status, issues=_issues(body), ms=took)
    return status


def _issues(body: bytes) -> list[str]:
    """Return the severities and codes of an OperationOutcome."""
    try:
        found = json.loads(body).get("issue", [])
    except (ValueError, AttributeError):
        return []
    return [f"{issue.get('severity', '')} {issue.get('code', '')}" for issue in found]


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("files", nargs="+", type=Path)
    add("--to", required=True, metavar="URL")
    add("--token-file", help="file with the bearer token")
    add("--content-type", default="application/fhir+json")
    add("--timeout", type=float, default=30.0, help="seconds to wait for an answer")
    return parser.parse_args()


def main() -> int:
    """Post every file in turn."""
    given = options()
    taken = [200 <= post(given, file) < 300 for file in given.files]
    return 0 if all(taken) else 1


if __name__ == "__main__":
    sys.exit(main())
