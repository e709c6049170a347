"""Messages of our own for single faults: one admission, about whom and when one likes."""

from __future__ import annotations

_ADMISSION = (
    r"MSH|^~\&|ORBIT|KLINIKUM-AM-RING|GATEWAY|REGION|20250311143000+0100||ADT^A01^ADT_A01|"
    "{control_id}|P|2.5|||AL|NE|DEU|UNICODE UTF-8\r"
    "EVN|A01|{time}||||{time}\r"
    "PID|1||{patient}^^^KLINIKUM-AM-RING&1.2.276.0.76.3.1.8888.1&ISO^PI{insured}||{family}^Änne^^^^^L||"
    "19510502|F\r"
    "PV1|1|I|KARD2^207^1|E||||||0300|||||||||{patient}5^^^KLINIKUM-AM-RING"
    "&1.2.276.0.76.3.1.8888.2&ISO^VN|||||||||||||||||||||||||20250311142000\r"
)


def admission(
    control_id: str,
    patient: str = "8800417",
    minute: int = 0,
    family: str = "Öhlschläger",
    kvnr: str = "",
) -> bytes:
    """Make an admission of one patient; later minutes are later news."""
    insured = f"~{kvnr}^^^&1.2.276.0.76.4.8&ISO^NI" if kvnr else ""
    text = _ADMISSION.format(
        control_id=control_id,
        insured=insured,
        patient=patient,
        family=family,
        time=f"20250311{14 + minute // 60}{minute % 60:02d}00",
    )
    return text.encode()
