"""Whether a file may hold a secret."""

from __future__ import annotations

import stat
from pathlib import Path


def secret_fault(path: Path) -> str:
    """Say what is wrong with a file that holds a secret; "" when nothing is."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return "the file is missing"
    if not stat.S_ISREG(mode):
        return "is not a file"
    if mode & 0o077:
        return f"may be read by others; chmod 0400 {path.name}"
    return ""
