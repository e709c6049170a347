"""Every non-empty leaf is accounted for, whatever the message holds; output is deterministic."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import AttestedConsent, Dialect, Row
from mappers.hl7v2 import table_rows
from profiles.reading import write_json
from profiles.validate import structure

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "hl7v2").glob("*.hl7"))
NAMESPACE = "https://haus.example/sid"
CONTEXT = Context(b"key", Dialect(), NAMESPACE)


def translated(data: bytes, **options: Any) -> Mapped:
    context = Context(b"key", options.pop("dialect", Dialect()), NAMESPACE, **options)
    return mappers.translate(data, "hl7v2", context)


def balanced(result: Mapped) -> bool:
    loss = result.loss
    return loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)


def model(resource: dict[str, Any]) -> None:
    """Parse with an independent implementation of the R4B structures."""
    kind = resource["resourceType"]
    module = importlib.import_module(f"fhir.resources.R4B.{kind.lower()}")
    getattr(module, kind).model_validate(json.loads(write_json(resource)))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_balance_and_their_resources_are_structurally_valid(sample: Path) -> None:
    result = translated(sample.read_bytes(), lineage=True)
    assert balanced(result)
    for entry in result.bundle["entry"]:
        assert [i for i in structure(entry["resource"]) if i.severity == "error"] == []
        model(entry["resource"])
    for change in result.changes:
        assert [i for i in structure(change.resource) if i.severity == "error"] == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_lineage_names_only_leaves_the_loss_report_counts_as_mapped(sample: Path) -> None:
    result = translated(sample.read_bytes(), lineage=True)
    assert result.lineage
    named = {path for paths in result.lineage.values() for path in paths}
    lost = {path for path, _ in (*result.loss.unmapped, *result.loss.ignored_paths)}
    assert not named & lost
    assert len(named) <= result.loss.mapped


def test_lineage_leads_from_the_element_to_its_sources() -> None:
    result = translated(SAMPLES[0].read_bytes(), lineage=True)
    assert result.lineage is not None
    patient = f"Patient/{result.patients[0].id}"
    assert result.lineage[f"{patient}.name[0].given[0]"] == ("PID-5.2",)
    assert result.lineage[f"{patient}.telecom[0].value"] == ("PID-13.5", "PID-13.6", "PID-13.7")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_same_bytes_give_the_same_bytes(sample: Path) -> None:
    fresh = Context(b"key", Dialect(), NAMESPACE)
    data = sample.read_bytes()
    outputs = {write_json(mappers.translate(data, "hl7v2", c).bundle) for c in (CONTEXT, fresh)}
    outputs.add(write_json(mappers.translate(data, "hl7v2", CONTEXT).bundle))
    assert len(outputs) == 1


def test_another_region_key_gives_other_ids() -> None:
    data = SAMPLES[0].read_bytes()
    other = mappers.translate(data, "hl7v2", Context(b"other", Dialect(), NAMESPACE))
    ours = translated(data)
    assert not {c.id for c in ours.changes} & {c.id for c in other.changes}


def test_what_one_consumer_changes_reaches_no_other_message() -> None:
    data = SAMPLES[0].read_bytes()
    first = mappers.translate(data, "hl7v2", CONTEXT)
    before = write_json(mappers.translate(data, "hl7v2", CONTEXT).bundle)

    def spoil(node: Any) -> None:
        for value in list(node.values() if isinstance(node, dict) else node):
            if isinstance(value, dict | list):
                spoil(value)
        node.clear()

    for change in first.changes:
        spoil(change.resource)
    assert write_json(mappers.translate(data, "hl7v2", CONTEXT).bundle) == before


fields = st.text(alphabet='AZ09äß ^~&\\|"-.:/+<>', max_size=12)
NAMES = "PID PD1 NK1 PV1 PV2 DG1 PR1 AL1 IN1 ORC OBR OBX NTE TXA MRG ROL PRT CON ZBE SPM EVN ZZZ"
TYPES = (
    "ADT^A01 ADT^A02 ADT^A03 ADT^A08 ADT^A11 ADT^A12 ADT^A13 ADT^A28 ADT^A31 ADT^A40 "
    "MDM^T01 MDM^T02 MDM^T08 MDM^T11 ORU^R01"
)
segments = st.builds(
    lambda name, values: "|".join([name, *values]),
    st.sampled_from(NAMES.split(" ")),
    st.lists(fields, max_size=30),
)
types = st.sampled_from(TYPES.split(" "))


@settings(max_examples=150, deadline=None)
@given(types, st.lists(segments, max_size=6))
def test_any_message_balances_or_is_refused(kind: str, more: list[str]) -> None:
    head = f"MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||{kind}|1|P|2.5||||||UNICODE UTF-8"
    data = "\r".join([head, "PID|1||4711^^^HAUS||Weiß^Ä", *more]).encode()
    result = translated(data)
    assert result.refusal is not None or balanced(result)
    if result.refusal is None:
        write_json(result.bundle)


def test_z_segments_are_unmapped_unless_the_dialect_maps_or_ignores_them() -> None:
    data = (
        "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||ADT^A31|1|P|2.5||||||UNICODE UTF-8\r"
        "PID|1||4711^^^HAUS||Weiß^Ä\rZPD|Diät^vegan|intern\r"
    ).encode()
    assert {path for path, _ in translated(data).loss.unmapped} == {"ZPD-1.1", "ZPD-1.2", "ZPD-2"}
    row = Row("ZPD-1.2", "Patient", "extension", "ST", "https://haus.example/diet")
    dialect = Dialect(rows=(row,), ignore={"ZPD-2": "internal"})
    result = translated(data, dialect=dialect)
    assert [path for path, _ in result.loss.unmapped] == ["ZPD-1.1"]
    assert ("ZPD-2", "internal") in result.loss.ignored_paths
    assert result.changes[0].resource["extension"] == [
        {"url": "https://haus.example/diet", "valueString": "vegan"}
    ]


def test_a_sender_may_attest_consent_where_its_dialect_says() -> None:
    consent = AttestedConsent(
        place="ZEW-1",
        values={"J": "permit", "N": "deny"},
        reference="ZEW-2",
        valid_until="ZEW-3",
        recipients=("http://fhir.de/sid/arge-ik/iknr|104940005",),
        legal_basis="§ 39 (1a) SGB V",
    )
    head = (
        "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||ADT^A31|1|P|2.5||||||UNICODE UTF-8\r"
        "PID|1||4711^^^HAUS||Weiß^Ä\r"
    )
    for code, decision in (("J", "permit"), ("N", "deny")):
        data = f"{head}ZEW|{code}|F-77|20280101\r".encode()
        result = translated(data, dialect=Dialect(consent=consent))
        (made,) = [c.resource for c in result.changes if c.type == "Consent"]
        model(made)
        assert made["provision"]["type"] == decision
        assert made["provision"]["period"] == {"end": "2028-01-01"}
        assert made["policyRule"] == {"text": "§ 39 (1a) SGB V"}
        assert made["sourceReference"]["identifier"]["value"] == "F-77"
    unclear = translated(f"{head}ZEW|?\r".encode(), dialect=Dialect(consent=consent))
    assert not [c for c in unclear.changes if c.type == "Consent"]
    assert [i.hl7_code for i in unclear.issues] == ["103"]


def test_local_codes_are_translated_by_the_dialect() -> None:
    data = (
        "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||ADT^A31|1|P|2.5||||||UNICODE UTF-8\r"
        "PID|1||4711^^^HAUS||Weiß^Ä||1948|weibl\r"
    ).encode()
    dialect = Dialect(codes={"PID-8": {"weibl": "F"}}, systems={"HAUS": "https://haus.example/pid"})
    result = translated(data, dialect=dialect)
    assert result.changes[0].resource["gender"] == "female"
    assert result.changes[0].keys[0].system == "https://haus.example/pid"
    assert result.issues == ()


def test_every_row_of_every_table_compiles() -> None:
    folder = Path(table_rows.__file__).with_name("rows")
    for path in folder.glob("*.csv"):
        assert table_rows.table(path.stem).rows


def test_the_bundle_is_a_transaction_anybody_can_take() -> None:
    bundle = translated(SAMPLES[0].read_bytes()).bundle
    text = write_json(bundle).decode()
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(urls) == len(bundle["entry"])
    for entry in bundle["entry"]:
        resource, request = entry["resource"], entry["request"]
        assert "id" not in resource
        assert "recency" not in write_json(resource).decode()
        if request["method"] == "PUT":
            assert request["url"].startswith(f"{resource['resourceType']}?identifier=")
            own = [i["value"] for i in resource["identifier"] if i["system"] == "urn:ietf:rfc:3986"]
            assert [value.startswith("urn:uuid:") for value in own].count(True) == 1
            # Some servers exchange full URLs in every string: an identifier must not be one.
            assert not urls & {*own, request["url"]}
    assert '"reference":"Patient/' not in text
    provenance = bundle["entry"][-1]["resource"]
    assert {t["reference"] for t in provenance["target"]} == urls - {bundle["entry"][-1]["fullUrl"]}
