"""What matching a part of the answer needs to know beside the part."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The domain's view of data."""

    #: Where days begin and end.
    zone: ZoneInfo
    #: Whether unlabelled free text is held where a rule asks for labels.
    hold_unlabelled: bool
