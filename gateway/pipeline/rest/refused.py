"""Why an act is refused: HTTP status, issue type and fixed sentence.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from __future__ import annotations

from gateway.pipeline.rest.asked import Done
from profiles.issue import Issue


class Refused(Exception):
    """One act cannot be performed, so none is."""

    def __init__(self, position: int, status: int, code: str, text: str) -> None:
        """Say which, with which HTTP status, and why; the text is fixed."""
        super().__init__(text)
        self.position = position
        self.done = Done(status, issues=(Issue("error", code, text),))


MISSING = (404, "not-found", "There is no such resource here.")
FOREIGN = (403, "forbidden", "Another organization keeps this resource.")
SCOPE = (403, "forbidden", "No scope of this caller covers the resource as it would be.")
STALE = (412, "conflict", "The resource has another version than If-Match names.")
SEVERAL = (412, "multiple-matches", "Several resources meet the criteria.")
UNRESOLVED = (412, "not-found", "A conditional reference does not name exactly one resource.")
CONSENT = (422, "business-rule", "A Consent is taken for a Patient this caller keeps.")
OTHERS_CONSENT = (403, "forbidden", "The Consent names another organization of this region.")
READ_ONLY = (405, "not-supported", "Resources of this type are not written this way.")
IN_OUR_NAME = (403, "forbidden", "Only the gateway itself speaks in its own name.")
NAMED = (400, "invalid", "The resource's id is not that of the resource the criteria find.")
TWICE = (400, "duplicate", "Two entries change the same resource.")
