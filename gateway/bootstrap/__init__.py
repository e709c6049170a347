"""Bootstrap: the only place that names concrete classes and ties them together.

`process.py` is one serving process from start to stop; `http.py` is the gateway as the HTTP
interface sees it; `listeners.py` opens the wires others send to; `group.py` runs several processes
on one PostgreSQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings import Settings


def run(settings: Settings, *, listen: bool = True, processes: int = 1) -> int:
    """Serve until SIGTERM; return the exit code.

    Raises Unavailable when the store cannot be opened, NotConformant when the registry cannot be
    served, OSError when an address is taken.
    """
    if processes > 1:
        from gateway.bootstrap.group import run_group

        return run_group(settings, listen=listen, processes=processes)
    from gateway.bootstrap.group import run_one

    return run_one(settings, listen=listen)
