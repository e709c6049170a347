"""What expressions give, by section of https://hl7.org/fhirpath/N1/."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

import profiles.fhirpath as engine
from profiles.fhirpath import FHIRPathError, FHIRPathSemanticError

SECTIONS = {
    "existence": [
        ("name.exists()", [True]),
        ("name.exists(use = 'maiden')", [True]),
        ("photo.empty()", [True]),
        ("name.all(family.exists())", [False]),
        ("name.given.distinct().count()", [3]),
        ("(1 | 2).subsetOf(1 | 2 | 3)", [True]),
        ("(true | false).allTrue()", [False]),
        ("{}.allTrue()", [True]),
        ("{}.not()", []),
    ],
    "filtering": [
        ("name.where(use = 'official').given", ["Erika", "Marie"]),
        ("name.where($index = 1).family", ["Gabler"]),
        ("name.select(given.first())", ["Erika", "Rike"]),
        ("(1 | 2 | 3).select($this * $index)", [0, 2, 6]),
        ("name.given.ofType(string)", ["Erika", "Marie", "Rike"]),
        ("name.given.ofType(code)", []),
        ("'a'.repeat($this)", ["a"]),
        ("contained.id", ["kasse"]),
    ],
    "subsetting": [
        ("name.given[1]", ["Marie"]),
        ("name.given[9]", []),
        ("name.given.last()", ["Rike"]),
        ("name.given.tail()", ["Marie", "Rike"]),
        ("name.given.skip(1).take(1)", ["Marie"]),
        ("(1 | 2 | 3).intersect(2 | 9)", [2]),
        ("(1 | 2 | 3).exclude(2)", [1, 3]),
    ],
    "combining": [
        ("1.combine(1)", [1, 1]),
        ("1 | 1.0 | 2", [1, 2]),
        ("(3 | 1 | 2).sort()", [1, 2, 3]),
        ("(3 | 1 | 2).sort(-$this)", [3, 2, 1]),
        ("('b' | 'a').sort($this desc)", ["b", "a"]),
        ("name.sort(family).use", ["nickname", "maiden", "official"]),
    ],
    "conversion": [
        ("'7'.toInteger()", [7]),
        ("'7.5'.toInteger()", []),
        ("'2.50'.toDecimal().toString()", ["2.50"]),
        ("'yes'.toBoolean()", [True]),
        ("'2024-02-30'.convertsToDate()", [False]),
        ("'2024-02-29T08'.toDateTime()", ["2024-02-29T08"]),
        ("'1 week'.toQuantity() = 7 days", [True]),
        ("iif(false, 1 / {}, 'lazy')", ["lazy"]),
        ("5.toLong().toString()", ["5"]),
    ],
    "strings": [
        ("'Müller'.upper()", ["MÜLLER"]),
        ("'abc'.substring(1, 1)", ["b"]),
        ("'abc'.substring(3)", []),
        ("'abc'.indexOf('c')", [2]),
        ("'a-b-a'.lastIndexOf('a')", [4]),
        ("'abc'.matches('B')", [False]),
        ("'abc'.matches('B', 'i')", [True]),
        ("'abc'.matchesFull('b')", [False]),
        ("'2024-08'.replaceMatches('(\\\\d+)-(\\\\d+)', '$2/$1')", ["08/2024"]),
        ("'a,b'.split(',').join(';')", ["a;b"]),
        ("'ä'.encode('base64')", ["w6Q="]),
        ("'w6Q='.decode('base64')", ["ä"]),
        ("'<b>'.escape('html')", ["&lt;b&gt;"]),
        ("'a' & {} & 'b'", ["ab"]),
        ("'a' + {}", []),
    ],
    "math": [
        ("0.1 + 0.2 = 0.3", [True]),
        ("1 / 0", []),
        ("7 div 2", [3]),
        ("-7 div 2", [-3]),
        ("(-7) mod 2", [-1]),
        ("2.5 mod 1", [Decimal("0.5")]),
        ("2.power(10)", [1024]),
        ("2.power(64)", []),
        ("2147483647 + 1", []),
        ("(2.5).round()", [3]),
        ("(-2.5).round()", [-3]),
        ("2.sqrt().round(5)", [Decimal("1.41421")]),
        ("(-1).sqrt()", []),
        ("8.log(2)", [3]),
        ("1.2345.truncate()", [1]),
    ],
    "equality": [
        ("(1 | 2) = (2 | 1)", [False]),
        ("(1 | 2) ~ (2 | 1)", [True]),
        ("{} = {}", []),
        ("{} ~ {}", [True]),
        ("'Straße' ~ 'STRASSE'", [False]),
        ("'a b' ~ 'A\\tB'", [True]),
        ("1.10 = 1.1", [True]),
        ("1.15 ~ 1.1", [False]),
        ("1 = true", [False]),
        ("name[0] = name[0]", [True]),
        ("name[0] = name[1]", [False]),
    ],
    "dates": [
        ("@2024 = @2024-02", []),
        ("@2024 < @2025-01-01", [True]),
        ("@2024-02-01T10:00Z = @2024-02-01T11:00+01:00", [True]),
        ("@2024-02-01T10:00:00 = @2024-02-01T10:00:00.0", [True]),
        ("@2024-02-01T10:00Z = @2024-02-01T10:00", []),
        ("@2024-02-01T10:00Z > @2024-01-20", [True]),
        ("birthDate < @1964-09", [True]),
        ("birthDate < @1964-08-15", []),
        ("@2024-01-31 + 1 month", ["2024-02-29"]),
        ("@2024-02-29 - 1 year", ["2023-02-28"]),
        ("@2024 + 13 months", ["2025"]),
        ("@T23:30 + 45 minutes", ["00:15"]),
        ("@2024-02-01T23:59:59.5+01:00 + 500 milliseconds", ["2024-02-02T00:00:00.0+01:00"]),
        ("today()", ["2026-03-01"]),
        ("now() = now()", [True]),
        ("@2024-02.lowBoundary()", ["2024-02-01"]),
        ("@2024-02.highBoundary()", ["2024-02-29"]),
        ("@2024-02-01T08:30.precision()", [12]),
        ("@2024-02-01T08:30:15.250+01:00.millisecondOf()", [250]),
    ],
    "quantities": [
        ("1 year = 12 months", [True]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", [True]),
        ("1000 'mg' = 1 'g'", [True]),
        ("1 'mg' = 1 's'", []),
        ("37 'Cel' > 98 '[degF]'", [True]),
        ("120 'mm[Hg]' < 16 'kPa'", [True]),
        ("(3 'm' + 20 'cm').toString()", ["320 'cm'"]),
        ("2 'm' * 3 'm' = 6 'm2'", [True]),
        ("6 'mg' / 2 'mL' = 3 'g/L'", [True]),
        ("1 'kg'.comparable(1 '[lb_av]')", [True]),
        ("5.5 'mmol/L'.toQuantity('mol/m3').value", [Decimal("5.5")]),
    ],
    "types": [
        ("active is boolean", [True]),
        ("active is Boolean", [False]),
        ("true is Boolean", [True]),
        ("id is string", [True]),
        ("id is System.String", [True]),
        ("contact is BackboneElement", [True]),
        ("contact.name as HumanName is Element", [True]),
        ("contained[0] is DomainResource", [True]),
        ("birthDate.type().name", ["date"]),
        ("5L is Long", [True]),
    ],
    "logic": [
        ("true and {}", []),
        ("false and {}", [False]),
        ("{} or true", [True]),
        ("true xor true", [False]),
        ("{} implies true", [True]),
        ("false implies {}", [True]),
        ("true and 'single item'", [True]),
    ],
    "aggregates": [
        ("(1 | 2 | 3).aggregate($total + $this, 10)", [16]),
        ("(1 | 2 | 3).aggregate(iif($total.empty(), $this, $total * $this))", [6]),
        ("(1 | 2 | 3).sum()", [6]),
        ("(1 'm' | 50 'cm').min() = 50 'cm'", [True]),
        ("(1 | 2).avg()", [Decimal("1.5")]),
    ],
    "variables": [
        ("%ucum", ["http://unitsofmeasure.org"]),
        ("%`vs-observation-status`", ["http://hl7.org/fhir/ValueSet/observation-status"]),
        ("%resource.id", ["erika"]),
        ("name.select(%context.id)", ["erika"] * 3),
        ("defineVariable('n', name.first()).select(%n.family)", ["Mustermann"]),
        ("name.first().defineVariable('f', family).given.select(%f & $this)",
         ["MustermannErika", "MustermannMarie"]),
    ],
    "fhir": [
        ("birthDate.extension.value", ["unknown"]),
        ("birthDate.hasValue()", [True]),
        ("name[1].family.id", ["f1"]),
        ("managingOrganization.resolve().name", ["AOK Beispiel"]),
        ("managingOrganization.resolve() is Organization", [True]),
        ("gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", []),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", [True]),
        ("descendants().where($this is HumanName).count()", [4]),
        ("name.checkModifiers('http://example.org/known').count()", [3]),
        ("%factory.HumanName('Muster', 'A' | 'B').given", ["A", "B"]),
    ],
}  # fmt: skip
CASES = [
    pytest.param(expression, expected, id=f"{section}: {expression}")
    for section, rows in SECTIONS.items()
    for expression, expected in rows
]
CLOCK = engine.Services(clock=lambda: datetime(2026, 3, 1, 12, 30, 15, 250_000, UTC))


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_gives_what_the_specification_says(patient, expression, expected):
    assert engine.evaluate(patient, expression, services=CLOCK) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "name.given.single()",
        "name.given.length()",
        "name.given + 'a'",
        "-'a'",
        "-1.convertsToInteger()",
        "1 + 'a'",
        "1 < 'a'",
        "name < name",
        "@2024 > @T10:00",
        "@2024-02-01 + 7",
        "@2024-02-01 + 1 'mo'",
        "@T10:00 + 1 day",
        "name.where(given)",
        "('a' | 'b').iif(true, 1)",
        "(true | 1).allTrue()",
        "name.given as string",
        "'x'.decode('rot13')",
        "'abc'.matches('[')",
        "'abc'.matches('a', 'x')",
        "conformsTo('http://example.org/unknown')",
        "name.slice('urn:fehlt', 'a')",
        "%factory.positiveInt(0)",
        "defineVariable('resource', 1)",
        "1.5.round(-1)",
    ],
)
def test_what_has_no_answer_is_an_error(patient, expression):
    with pytest.raises(FHIRPathError):
        engine.evaluate(patient, expression)


@pytest.mark.parametrize(
    "expression",
    ["nothing()", "name.first(1)", "name.where()", "name is Nothing", "%unknown", "@2024-02-30"],
)
def test_what_does_not_exist_is_a_semantic_error(patient, expression):
    with pytest.raises(FHIRPathSemanticError):
        engine.evaluate(patient, expression)
