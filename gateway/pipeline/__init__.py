"""The story of a message, one stage a file; the order of the stages and nothing else stands here.

intake takes it in and answers; translate says in FHIR what it said (worker processes); identify
finds what it is about; label marks what is sensitive; record makes versions and Provenance; route
finds who shall have it; decide asks consent; deliver sends.
"""

from __future__ import annotations

#: Stages in the order a message passes them.
STAGES = ("intake", "translate", "label", "identify", "record", "route", "decide", "deliver")
