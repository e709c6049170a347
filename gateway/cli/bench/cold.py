"""A validator's first answer in a process of its own: what it takes, and how much memory.

Run as `python -m gateway.cli.bench.cold CACHE [PACKAGE...]`; prints JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from profiles.reading import read_json

#: Linux: what the process held at most; its ru_maxrss would begin with what the parent holds.
_STATUS = Path("/proc/self/status")
#: ru_maxrss is in kilobytes, on macOS in bytes.
_UNITS_PER_MEGABYTE = 1024 * 1024 if sys.platform == "darwin" else 1024


def cold_start(packages: Iterable[Path]) -> dict[str, float]:
    """Measure the second start with the same packages: what is compiled lies on disk then."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", __name__, cache, *map(str, packages)]
        for _ in range(2):
            began = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True)
            seconds = time.perf_counter() - began
    measured = {name: float(value) for name, value in read_json(done.stdout).items()}
    return {"cold_start_seconds": round(seconds, 2), **measured}


def _main(cache: str, *packages: str) -> None:
    from gateway.cli.bench.patients import FULL_PATIENT, ISIK_PATIENT, isik_profile
    from profiles.packages import open_packages
    from profiles.validate.validator import Validator

    opened = open_packages(map(Path, packages), cache_folder=Path(cache), tolerate_missing=True)
    validator, profile = Validator(opened), isik_profile(opened)
    validator.validate(ISIK_PATIENT if profile else FULL_PATIENT, [profile] if profile else [])
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "cold_start_cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "cold_start_peak_megabytes": round(_peak() or used.ru_maxrss / _UNITS_PER_MEGABYTE),
    }
    print(json.dumps(found))


def _peak() -> float:
    """Megabytes this process held at most; 0 where the system does not say."""
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    return next((int(one.split()[1]) / 1024 for one in lines if one.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    _main(*sys.argv[1:])
