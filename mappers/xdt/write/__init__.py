"""FHIR R4 → GDT records, or LDT 3 reports, for those that speak nothing else.

The Satzart follows from the content: reports, results and documents become 6310, requests 6302
(taken back: 6303 in GDT 3), inquiries 6300 and 6311, a patient alone 6301. Version, character set
and the place of files are the partner's (`mappers.dialect.Outgoing`). Where the partner takes LDT,
reports become a file of LDT 3 (`ldt`).
"""

from __future__ import annotations

from mappers.base import Context, Encoded, Resource


def encode(bundle: Resource, context: Context) -> Encoded:
    """Write the resources of a Bundle as records about one patient (`Format.encode`).

    Raises NotSupported when no record carries the content, and NotConformant when it is about
    several patients.
    """
    if context.dialect.outgoing.xdt == "LDT":
        from mappers.xdt.write import ldt

        return ldt.write(bundle, context)
    from mappers.xdt.write.records import write

    return write(bundle, context)
