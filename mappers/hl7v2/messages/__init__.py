"""One file per message family; FAMILIES says which reads which message code."""

from __future__ import annotations

from mappers.base import Context
from mappers.hl7v2.header import Header
from mappers.hl7v2.messages import (
    adt,
    finance,
    general,
    master_files,
    mdm,
    oru,
    pharmacy,
    problems,
    query,
    referral,
    requests,
    schedule,
    vaccination,
)
from mappers.hl7v2.reader import Family
from profiles.issue import Issue, NotSupported

#: Message code (MSH-9.1) → how its messages are read.
FAMILIES: dict[str, Family] = {
    "ADT": adt.FAMILY,
    "BAR": finance.BILLING,
    "DFT": finance.CHARGES,
    "MDM": mdm.FAMILY,
    "MFK": master_files.ANSWERS,
    "MFN": master_files.FAMILY,
    "OMG": requests.FAMILY,
    "OMI": requests.FAMILY,
    "OML": requests.FAMILY,
    "OMP": pharmacy.FAMILY,
    "ORG": requests.ANSWERS,
    "ORI": requests.ANSWERS,
    "ORL": requests.ANSWERS,
    "ORM": requests.FAMILY,
    "ORP": pharmacy.ANSWERS,
    "ORR": requests.ANSWERS,
    "ORU": oru.FAMILY,
    "OUL": oru.OUL,
    "PGL": problems.FAMILY,
    "PPG": problems.FAMILY,
    "PPP": problems.FAMILY,
    "PPR": problems.FAMILY,
    "RAS": pharmacy.FAMILY,
    "RDE": pharmacy.FAMILY,
    "RDS": pharmacy.FAMILY,
    "QBP": query.QUESTIONS,
    "QRY": query.QUESTIONS,
    "REF": referral.FAMILY,
    "RGV": pharmacy.FAMILY,
    "RPA": referral.ANSWERS,
    "RPI": referral.ANSWERS,
    "RQA": referral.FAMILY,
    "RQI": referral.FAMILY,
    "RQP": referral.FAMILY,
    "RRA": pharmacy.ANSWERS,
    "RRD": pharmacy.ANSWERS,
    "RRE": pharmacy.ANSWERS,
    "RRG": pharmacy.ANSWERS,
    "RRI": referral.ANSWERS,
    "RSP": query.FAMILY,
    "SIU": schedule.SIU,
    "SRM": schedule.SRM,
    "SRR": schedule.SRR,
    "VXR": vaccination.FAMILY,
    "VXU": vaccination.FAMILY,
    "VXX": vaccination.FAMILY,
}


def family_of(header: Header, context: Context) -> tuple[Family, Issue | None]:
    """Return the family of a message, and an issue when its event is read by segments only.

    Raises NotSupported with the codes of table 0357 where the endpoint takes known events only.
    """
    family = FAMILIES.get(header.message_code)
    if family is not None and header.trigger in family.events:
        return family, None
    if family is None or not family.events:
        sentence, place, code = "this message type is not supported", "MSH-9.1", "200"
    else:
        sentence, place, code = "this event is not supported", "MSH-9.2", "201"
    if not (context.lenient or context.dialect.any_event):
        issue = Issue("error", "not-supported", sentence, place, code)
        raise NotSupported(sentence, location=place, issues=(issue,))
    issue = Issue("warning", "not-supported", f"{sentence}: read by its segments", place, code)
    return family or general.FAMILY, issue
