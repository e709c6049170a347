"""`python -m profiles.r4.compile CORE_DIR`: write the facts from the definitions."""

from __future__ import annotations

import sys
from pathlib import Path

from profiles.r4.compile import compile_core, write_facts

USAGE = "usage: python -m profiles.r4.compile CORE_DIR\n"


def main(arguments: list[str]) -> int:
    """Compile and write; returns the exit code."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write(USAGE)
        return 2
    compiled = compile_core(Path(arguments[0]))
    changed = write_facts(compiled, Path(__file__).parent.parent)
    for kind, text in compiled.items():
        state = "written" if kind in changed else "unchanged"
        sys.stdout.write(f"{kind}: {len(text)} bytes, {state}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
