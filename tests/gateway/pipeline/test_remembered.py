"""A decision is recalled only while the engine would say the same: time and consents count."""

from __future__ import annotations

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.time import DAY, SECOND
from gateway.pipeline.decide import Case, ConsentDesk, Subjects

#: 1 March 2026, midnight in Berlin.
BEGIN = 1_772_319_600 * SECOND
PATIENT = orjson.dumps({"resourceType": "Patient", "id": "p", "birthDate": "2010-05-05"})
CONDITION = orjson.dumps(
    {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}}
)


def consent(kind="permit", *, rule=None, valid=None, version="1", performer="Patient/p"):
    """A Consent whose root, or a provision below it, holds for some days of March 2026."""
    provision = {"type": kind}
    if valid:
        provision["period"] = period(*valid)
    if rule:
        other = "deny" if kind == "permit" else "permit"
        provision["provision"] = [{"type": other, "period": period(*rule)}]
    return orjson.dumps(
        {
            "resourceType": "Consent",
            "id": "k",
            "meta": {"versionId": version},
            "status": "active",
            "scope": {"coding": [{"code": "patient-privacy"}]},
            "category": [{"coding": [{"code": "INFA"}]}],
            "patient": {"reference": "Patient/p"},
            "performer": [{"reference": performer}],
            "dateTime": "2026-01-01",
            "policyRule": {"coding": [{"code": "OPTIN"}]},
            "provision": provision,
        }
    )


def period(start, end):
    return {"start": f"2026-03-{start:02d}", "end": f"2026-03-{end:02d}"}


days = st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda d: (d[0], d[0] + d[1]))
consents = st.lists(
    st.builds(
        consent,
        st.sampled_from(["permit", "deny"]),
        rule=st.none() | days,
        valid=st.none() | days,
        version=st.sampled_from(["1", "2"]),
        performer=st.sampled_from(["Patient/p", "RelatedPerson/m"]),
    ),
    max_size=2,
)
questions = st.tuples(
    st.integers(-2, 22).map(lambda day: BEGIN + day * DAY // 2),
    consents.map(tuple),
    st.sampled_from([(PATIENT,), (PATIENT, CONDITION)]),
    st.sampled_from(["praxis", "sozialdienst"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(questions, min_size=1, max_size=12), st.data())
def test_what_is_recalled_is_what_the_engine_would_say_now(build, asked, data):
    region = build.region()
    desk = ConsentDesk.of(region)
    # The same questions come again at other times, in any order.
    again = data.draw(st.lists(st.sampled_from(asked), max_size=12))
    moments = data.draw(st.lists(st.sampled_from(asked), min_size=len(again), max_size=len(again)))
    asked = asked + [(at[0], *one[1:]) for one, at in zip(again, moments, strict=True)]
    for now, given_consents, resources, organization in asked:
        case, subjects = Case(organization, "TREAT", "klinikum"), Subjects(given_consents)
        fresh = ConsentDesk.of(region).answer(case, subjects, resources, now)
        assert desk.answer(case, subjects, resources, now) == fresh


def test_a_permit_that_runs_out_between_two_questions_is_not_recalled(build):
    desk = ConsentDesk.of(build.region())
    case, subjects = Case("praxis", "TREAT", "klinikum"), Subjects((consent(valid=(1, 3)),))

    def outcome(day):
        return desk.decide(case, subjects, (PATIENT, CONDITION), BEGIN + day * DAY).outcome

    assert [outcome(day) for day in (1, 2, 5, 2, -1)] == [
        "permit",
        "permit",
        "deny",
        "permit",
        "deny",
    ]
