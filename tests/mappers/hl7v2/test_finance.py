"""BAR and DFT: charges, payments and accounts become what FHIR has for them."""

from __future__ import annotations

from typing import Any

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import structure

CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111120000||{0}|1|P|2.5||||||UNICODE UTF-8"
PID = "PID|1||4711^^^HAUS^PI||Weiß^Änne||19480314|F"
PV1 = "PV1|1|I|3B|||||||||||||||ADM|F-9^^^HAUS^VN"
CHARGE = (
    "FT1|1|T1^^^HAUS|B1|20270110^20270111|20270111|CG|99213^Visit^CPT|Office visit||2|150.00&EUR"
    "|75&eur|IN^Innere|AOK1|10&EUR|3B|FS1|P1|J44.1^COPD^I10G2027|77^Arzt^Anna|78^Arzt^Bert|5&EUR"
    "|F12^LIS|79^Kraft^C|99213^Visit^CPT|26^Prof|||123^Aspirin^NDC|PAY1|T0|Haus A|Haus B"
)


def read(kind: str, *lines: str) -> Mapped:
    data = "\r".join([HEAD.format(kind), "EVN||20270111", *lines]).encode()
    mapped = mappers.translate(data, "hl7v2", CONTEXT)
    assert mapped.refusal is None, mapped.refusal
    for change in mapped.changes:
        assert not structure(change.resource), change.resource
    return mapped


def of(mapped: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in mapped.changes if change.type == kind]


def test_a_charge_is_a_charge_item_of_the_visit_and_the_account() -> None:
    mapped = read("DFT^P03", PID, PV1, CHARGE)
    (item,) = of(mapped, "ChargeItem")
    (account,) = of(mapped, "Account")
    (visit,) = of(mapped, "Encounter")
    assert item["status"] == "billable"
    assert item["code"]["coding"][0]["code"] == "99213"
    assert item["code"]["text"] == "Office visit"
    assert len(item["code"]["coding"]) == 1
    assert item["occurrencePeriod"] == {"start": "2027-01-10", "end": "2027-01-11"}
    assert str(item["priceOverride"]["value"]) == "150.00"
    assert item["priceOverride"]["currency"] == "EUR"
    assert item["account"] == [{"reference": f"Account/{account['id']}"}]
    assert item["context"] == {"reference": f"Encounter/{visit['id']}"}
    assert [p["function"]["coding"][0]["code"] for p in item["performer"]] == ["PRF", "REF"]
    assert {one.get("type") for one in item["supportingInformation"]} >= {
        "ServiceRequest",
        "Coverage",
    }
    unit = item["extension"][0]["extension"]
    assert [part["url"] for part in unit] == ["type", "code", "amount"]
    assert unit[2]["valueMoney"]["currency"] == "EUR"
    assert mapped.loss.unmapped == ()


def test_what_was_done_belongs_to_the_charge_before_it() -> None:
    mapped = read("DFT^P03", PID, PV1, CHARGE, "PR1|1||5-470^App^O3012027||20270110")
    (done,) = of(mapped, "Procedure")
    assert of(mapped, "ChargeItem")[0]["service"] == [{"reference": f"Procedure/{done['id']}"}]


def test_a_payment_is_a_notice_about_the_account_and_no_charge() -> None:
    mapped = read("DFT^P03", PID, PV1, "FT1|1|||20270110|20270111|PY|||||50.00&EUR")
    (notice,) = of(mapped, "PaymentNotice")
    (account,) = of(mapped, "Account")
    assert of(mapped, "ChargeItem") == []
    assert notice["request"] == {"reference": f"Account/{account['id']}"}
    assert (notice["paymentDate"], notice["created"]) == ("2027-01-10", "2027-01-11")
    assert str(notice["amount"]["value"]) == "50.00"


@pytest.mark.parametrize("lost", ["FT1|1|||20270110||CG", "FT1|1|||20270110||PY|||||viel"])
def test_a_transaction_without_what_it_needs_is_told_and_makes_nothing(lost: str) -> None:
    mapped = read("DFT^P03", PID, PV1, lost)
    assert {"ChargeItem", "PaymentNotice"}.isdisjoint(change.type for change in mapped.changes)
    assert "101" in {issue.hl7_code for issue in mapped.issues}


def test_equal_charges_without_number_stay_two_and_keep_their_names_in_a_repeat() -> None:
    line = "FT1|{0}|||20270110||CG|1^Pflaster^L"
    lines = (PID, PV1, line.format(1), line.format(2))
    first = [item["id"] for item in of(read("DFT^P03", *lines), "ChargeItem")]
    again = [item["id"] for item in of(read("DFT^P03", *lines), "ChargeItem")]
    assert len(set(first)) == 2
    assert first == again


def test_a_currency_nobody_knows_is_told_and_the_amount_stays() -> None:
    mapped = read("DFT^P03", PID, PV1, "FT1|1|||20270110||CG|1^x^L||||12,5&Taler")
    (item,) = of(mapped, "ChargeItem")
    assert {k: str(v) for k, v in item["priceOverride"].items()} == {"value": "12.5"}
    assert ("FT1-11.1.2", "Taler") in mapped.loss.unmapped


def test_an_account_holds_its_coverages_in_order_and_who_pays() -> None:
    gt1 = "GT1|1|G1|Weiß^Karl||Weg 1^^Ulm|||19500101|M|P/H|SPO"
    plans = ("IN1|1|GKV|260510007^^^^NII|AOK", "IN1|2|PKV|168140346^^^^NII|Allianz")
    mapped = read("BAR^P01", PID + "||||||||||A-1^^^HAUS", PV1, gt1, *plans)
    (account,) = of(mapped, "Account")
    covered = [one["coverage"]["reference"] for one in account["coverage"]]
    assert covered == [f"Coverage/{one['id']}" for one in of(mapped, "Coverage")]
    assert [one["priority"] for one in account["coverage"]] == [1, 2]
    assert account["guarantor"][0]["party"]["reference"].startswith("RelatedPerson/")
    assert (account["status"], account["identifier"][0]["value"]) == ("active", "A-1")


@pytest.mark.parametrize(("event", "status"), [("P02", "inactive"), ("P06", "inactive")])
def test_a_purged_or_ended_account_takes_no_more_charges(event: str, status: str) -> None:
    mapped = read(f"BAR^{event}", PID + "||||||||||A-1^^^HAUS", PV1)
    (change,) = [c for c in mapped.changes if c.type == "Account"]
    assert (change.resource["status"], change.weak) == (status, ())


def test_ambulatory_payment_groups_keep_their_amounts_with_the_currency() -> None:
    mapped = read("BAR^P10", PID, PV1, "GP1|131|450|1|2|10&EUR", "GP2|450|2|30&EUR")
    codes = {
        part["code"]["text"]: part.get("valueQuantity", {}).get("code")
        for one in of(mapped, "Observation")
        for part in one["component"]
    }
    assert (codes["Outlier cost"], codes["Charge"]) == ("EUR", "EUR")
    assert mapped.loss.unmapped == ()
