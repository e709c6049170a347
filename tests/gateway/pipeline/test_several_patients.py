"""Messages about several patients: all must permit, nobody's result reaches another's doctor."""

from __future__ import annotations

import pytest

from gateway.domain.delivery import DeliveryState as State
from gateway.domain.region import Practitioner

OTHER_DOCTOR = "234567802"


def results(build, *patients):
    """One ORU with a group for each (patient, practitioner, consent)."""
    head = build.message(event="R01", control="R1", visit="", practitioner="")
    segments = [head.decode().split("\r")[0].replace("ADT^R01", "ORU^R01")]
    for number, (patient, doctor, consent) in enumerate(patients, 1):
        segments.append(
            f"PID|{number}||{patient}^^^KLINIKUM^PI||Muster^{patient}^^^^^L||19800101|F"
            if patient
            else f"PID|{number}||||Muster^Niemand^^^^^L||19800101|F"
        )
        if doctor:
            named = f"{doctor}^Weber^Tom^^^Dr. med.^^^LANR&1.2.276.0.76.4.16&ISO^L"
            segments.append(f"PD1||||{named}")
        if consent:
            segments.append(f"ZEW|{consent}|F-{patient}")
        segments.append(f"OBR|{number}|A{number}|B{number}^LAB|26436-6^Labor^LN|||20260301080000")
        segments[-1] += "|" * 15 + "20260301090000|||F"
        segments.append("OBX|1|NM|718-7^Haemoglobin^LN||12.5|g/dl|||||F")
    return ("\r".join(segments) + "\r").encode("ascii")


@pytest.fixture
def laboratory(world, build):
    """Final laboratory results go to the general practitioner."""
    route = build.replace(
        world.region.routes["aufnahmen"], id="labor", criteria="DiagnosticReport?status=final"
    )
    doctors = (
        *world.region.practitioners,
        Practitioner(organization="sozialdienst", lanr=OTHER_DOCTOR),
    )
    world.use(build.region(routes={"labor": route}, practitioners=doctors))
    return world


def test_a_result_of_one_patient_reaches_the_practitioner(laboratory, build):
    (done,) = laboratory.record(results(build, ("P1", "123456601", "J")))
    assert done.outcome == "stored", done
    assert [d.endpoint for d in laboratory.deliveries()] == ["praxis-out"]


def test_two_patients_with_two_practitioners_are_no_guess(laboratory, build):
    laboratory.record(results(build, ("P1", "123456601", ""), ("P2", OTHER_DOCTOR, "")))
    assert laboratory.deliveries() == []
    ((state, _),) = laboratory.query("SELECT state, reason FROM message")
    assert state in {"unrouted", "rejected"}


def test_two_patients_of_one_practitioner_both_have_to_permit(laboratory, build):
    laboratory.record(build.message(control="C1", event="A31", patient="P1", visit="", consent="J"))
    (done,) = laboratory.record(results(build, ("P1", "123456601", ""), ("P2", "123456601", "")))
    if done.outcome == "rejected":
        return
    (delivery,) = laboratory.deliveries()
    assert delivery.state != State.QUEUED
    assert len(delivery.patients) == 2


def test_a_group_without_any_patient_number_is_refused(laboratory, build):
    (done,) = laboratory.record(results(build, ("", "", "")))
    assert (done.outcome, done.code) == ("rejected", "AE")
    assert laboratory.query("SELECT count(*) FROM resource") == [(0,)]
