"""Generated resources in several segments, what is asked about them, and what is right."""

from __future__ import annotations

import json
import random

from gateway.domain.time import DAY
from gateway.pipeline.ports import NewVersion
from gateway.store.trail import SEGMENT_BITS
from profiles.search import index_terms, parse_criteria, parse_sort, place, ranks

UNTIL = 30_000 * DAY
UNITS = [("g/dL", 1), ("g/L", 10), ("mg/L", 10_000)]
NAMES = ["Müller", "Mueller", "Meier", "Meyer-Lüdenscheidt-Hohenzollern", "Özil", "von der Aa"]


def observation(dice, number):
    made = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": dice.choice(["final", "amended"]),
        "code": {"coding": [{"system": "http://loinc.org", "code": dice.choice("abc")}]},
        "subject": {"reference": f"Patient/p{dice.randrange(4)}"},
    }
    day = f"2024-{dice.randrange(1, 13):02}-{dice.randrange(1, 28):02}"
    shape = dice.randrange(4)
    if shape == 0:
        made["effectiveDateTime"] = f"{day}T10:00:00+01:00"
    elif shape == 1:
        made["effectiveDateTime"] = day[: dice.choice([4, 7, 10])]
    elif shape == 2:
        made["effectivePeriod"] = {"start": day, "end": "2025-01-01"}
    if dice.random() < 0.7:
        unit, factor = dice.choice(UNITS)
        made["valueQuantity"] = {
            "value": dice.randrange(1, 6) * factor,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        }
    return made


def patient(dice, number):
    made = {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [{"family": dice.choice(NAMES), "given": dice.sample(["Anna", "Bo", "Cem"], 2)}],
        "gender": dice.choice(["male", "female"]),
        "identifier": [{"system": "http://a.example", "value": str(number)}],
    }
    if dice.random() < 0.8:
        made["birthDate"] = f"19{dice.randrange(10, 99)}"
    return made


def write(store, keys, rows):
    """Store (number, version, organization, resource) rows."""

    def job(tx):
        (subject,) = tx.reserve("subject", 1)
        tx.add_subjects([subject], UNTIL)
        tx.add_versions(
            [
                NewVersion(
                    number,
                    resource["resourceType"],
                    resource["id"],
                    subject,
                    0,
                    organization,
                    version,
                    json.dumps(resource).encode(),
                    "",
                    "KIS",
                    1,
                    terms=keys.coder.encode(resource["resourceType"], index_terms(resource)),
                    retain_until=UNTIL,
                )
                for number, version, organization, resource in rows
            ]
        )

    store.writer.submit(job).result(60)


def filled(store, keys):
    """Fill three segments, change some resources; return number → (organization, resource)."""
    dice = random.Random(11)
    present = {}
    for number in range(1, 121):
        made = (patient if number % 3 == 0 else observation)(dice, number)
        place_ = number + (number % 3 << SEGMENT_BITS) * 2
        present[place_] = (dice.choice(["klinikum", "praxis"]), made)
    rows = [(n, 1, organization, one) for n, (organization, one) in present.items()]
    for start in range(0, len(rows), 30):
        write(store, keys, rows[start : start + 30])
    changed = {}
    for number in dice.sample(sorted(present), 30):
        organization, old = present[number]
        make = patient if old["resourceType"] == "Patient" else observation
        changed[number] = (organization, make(dice, 999) | {"id": old["id"]})
    write(store, keys, [(n, 2, organization, one) for n, (organization, one) in changed.items()])
    return present | changed


QUERIES = [
    ("Observation", ""),
    ("Observation?code=a", ""),
    ("Observation?code=http://loinc.org|a,http://loinc.org|b", "-date"),
    ("Observation?code:not=a", "date"),
    ("Observation?status=final&code=b", "date"),
    ("Observation", "date"),
    ("Observation", "-date"),
    ("Observation", "code,-date"),
    ("Observation", "-value-quantity"),
    ("Observation?date=2024-05", ""),
    ("Observation?date=ge2024-06&date=lt2024-09-15", "date"),
    ("Observation?date=sa2024-06-30", "-date"),
    ("Observation?date=eb2024-06", ""),
    ("Observation?date=ne2024", ""),
    ("Observation?date:missing=true", ""),
    ("Observation?value-quantity=2|http://unitsofmeasure.org|g/dL", ""),
    ("Observation?value-quantity=gt20|http://unitsofmeasure.org|g/L", "value-quantity"),
    ("Observation?value-quantity=ap20||g/L", ""),
    ("Observation?value-quantity=le3", ""),
    ("Observation?code-value-quantity=a$gt2", ""),
    ("Observation?subject=Patient/p1", "-date"),
    ("Observation?subject:Patient=p1,p2", ""),
    ("Patient?name=mu", "family"),
    ("Patient?family:exact=Müller", ""),
    ("Patient?family:contains=hohen", "-family"),
    ("Patient?name=meyer-ludenscheidt-hohenz", ""),
    ("Patient?gender=male", "-birthdate,family"),
    ("Patient?birthdate=lt1960", "birthdate"),
    ("Patient?identifier=http://a.example|", "-_id"),
    ("Patient?identifier=9,12,15", ""),
    ("Patient?_filter=gender eq male or (family sw m and birthdate lt 1950)", "birthdate"),
    ("Patient?_filter=not(gender eq male)", ""),
    ("Patient?_content=anna cem", ""),
]


def asked(query, sort):
    type_, _, condition = query.partition("?")
    pairs = [one.split("=", 1) for one in condition.split("&")] if condition else []
    criteria = parse_criteria(type_, parameters=[(name, value) for name, value in pairs])
    return criteria, parse_sort((type_,), sort) if sort else ()


def expected(present, criteria, order, organizations=None):
    found = [
        (number, one)
        for number, (organization, one) in sorted(present.items())
        if criteria.matches(one) and (organizations is None or organization in organizations)
    ]
    return [
        one["id"]
        for _, one in sorted(found, key=lambda pair: place(ranks(pair[1], order), pair[0], order))
    ]


def paged(store, wanted, size):
    found, after = [], ()
    while True:
        page = store.reader.hits(wanted, after=after, limit=size)
        assert len(page.found) <= size
        found += [hit.stored.id for hit in page.found]
        # What a page link carries is JSON.
        after = tuple(json.loads(json.dumps(page.following)))
        if not after:
            return found
