"""A FHIR resource as a document, in JSON or XML, whichever its first character says.

https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/xml.html.
"""

from __future__ import annotations

from typing import Any

from profiles.issue import Issue
from profiles.reading.fhir_xml import look_at_fhir_xml
from profiles.reading.foreign_json import read_json
from profiles.reading.limits import Limits
from profiles.reading.positions import is_xml

_BOM = b"\xef\xbb\xbf"
_DEFAULT = Limits()


def read_fhir(data: bytes, *, limits: Limits = _DEFAULT) -> tuple[Any, tuple[Issue, ...]]:
    """Parse a resource; return it with what is wrong in its text though nothing of it is lost.

    Raises NotConformant as read_json and look_at_fhir_xml do; `located` tells where.
    """
    if is_xml(data):
        return look_at_fhir_xml(data, limits=limits)
    return read_json(data.removeprefix(_BOM), limits=limits), ()
