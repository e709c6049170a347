"""Where the time of a translation goes, seen by looking at the stack a thousand times a second.

Looking costs next to nothing and changes nothing of what is measured; a profiler that follows
every call would make the stages with many calls look dearer than they are.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import FrameType

#: Module → stage; the innermost module named here says what is being done.
STAGES = {
    "mappers.hl7v2.header": "tokenise",
    "mappers.hl7v2.tokenizer": "tokenise",
    "mappers.hl7v2.segment": "tokenise",
    "mappers.hl7v2.splitting": "tokenise",
    "mappers.hl7v2.translate": "map",
    "mappers.finish": "serialise",
    "profiles.reading.foreign_json": "serialise",
    "mappers.hl7v2.account": "account",
    "profiles.validate.structure": "validate",
}
REST = "rest"
_INTERVAL = 0.001


def stages(work: Callable[[bytes], None], messages: Sequence[bytes]) -> dict[str, float]:
    """Return the microseconds of processor time one message takes in each stage.

    Runs in the main thread, to which signals go.
    """
    seen: Counter[str] = Counter()

    def look(_signal: int, frame: FrameType | None) -> None:
        seen[_stage(frame)] += 1

    before = signal.signal(signal.SIGPROF, look)
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    try:
        for message in messages:
            work(message)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    each = (time.process_time() - began) * 1e6 / len(messages)
    total = max(seen.total(), 1)
    named = [*dict.fromkeys(STAGES.values()), REST]
    return {name: round(each * seen[name] / total, 1) for name in named}


def _stage(frame: FrameType | None) -> str:
    while frame is not None:
        found = STAGES.get(frame.f_globals.get("__name__", ""))
        if found is not None:
            return found
        frame = frame.f_back
    return REST
