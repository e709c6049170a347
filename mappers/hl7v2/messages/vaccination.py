"""VXU^V04, and VXX, VXR and VXQ of older versions: vaccinations (HL7 v2.5 chapter 4.17)."""

from __future__ import annotations

from mappers.hl7v2.messages import patient, pharmacy
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import immunization, vaccination_facts
from mappers.hl7v2.segments.order_facts import details
from mappers.hl7v2.tokenizer import Segment


def common_order(reader: Reader, segment: Segment) -> None:
    """ORC begins a vaccination; alone it says nothing of one."""
    reader.end_order()
    reader.pending["ORC"] = segment
    reader.lone_order = None


def vaccinated(reader: Reader, segment: Segment) -> None:
    """RXA → Immunization, with what its observations say of it."""
    session = reader.session
    placed = pharmacy.order(reader, segment)
    reader.now.clear()
    made = immunization.immunization(session, placed, segment)
    pharmacy.detailed(reader, placed, made)
    for one in (segment, *(s for s in placed.around if s.name == "RXR")):
        details(session, one, made)
    if made is None:
        return
    observations = []
    for behind in reader.behind(segment):
        if behind.name in ("ORC", "RXA"):
            break
        if behind.name == "OBX":
            observations.append(behind)
    vaccination_facts.facts(session, made, observations)


def observation(reader: Reader, segment: Segment) -> None:
    """OBX of a vaccination, which may be a reaction to it; any other is the patient's."""
    pharmacy.observation(reader, segment)
    vaccination, result = reader.now.get("Immunization"), reader.now.get("Observation")
    if vaccination is not None and result is not None:
        vaccination_facts.reaction(reader.session, segment, vaccination, result)


READERS: dict[str, Handler] = {
    **patient.READERS,
    "ORC": common_order,
    "RXA": vaccinated,
    "PRT": pharmacy.involved,
    "OBX": observation,
}
FAMILY = Family(
    events=frozenset({"V01", "V02", "V03", "V04"}),
    readers=READERS,
    finish=(patient.finish,),
)
