from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.explanation import EXPLANATIONS
from gateway.identity.facts import KnownPatient
from gateway.identity.links import Kind, LinkEvent, Source, open_cases, persons
from gateway.identity.match import MatchPolicy, propose, propose_merge, steps
from gateway.identity.placeholder import Placeholders
from mappers.base import PatientFacts

MOTHER = "T987654328"
CHILD = "A123456780"


def record(identifier, **overrides):
    facts = {
        "kvnr": MOTHER,
        "birth_date": "1990-05-03",
        "family": "von Töpfer-Weiß",
        "given": "Änne",
    }
    return KnownPatient(identifier, **(facts | overrides))


class Region:
    """Records and events of a small region, as the pipeline keeps them."""

    def __init__(self):
        self.records = {}
        self.events = []

    def state(self, facts):
        """Take the facts of a record and write the events that follow."""
        self.records[facts.id] = facts
        others = [one for one in self.records.values() if one.id != facts.id]
        decision = propose(facts, others)
        for step in steps(facts.id, decision, self.standing(facts.id)):
            self.add(step.patient, step.other, step.kind, Source.KVNR)
        return decision

    def standing(self, identifier):
        found = {}
        for event in self.events:
            if event.source is Source.KVNR and identifier in (event.patient, event.other):
                other = event.other if event.patient == identifier else event.patient
                found[other] = event.kind
        return found

    def add(self, patient, other, kind, source):
        self.events.append(LinkEvent(len(self.events), patient, other, kind, source))

    def persons(self):
        return {frozenset(members) for members in persons(self.events).values()}

    def cases(self):
        return open_cases(self.events)


def pair(*records):
    return frozenset(records)


def test_equal_kvnr_birth_date_and_compatible_name_are_linked():
    decision = propose(record("a"), [record("b", family="Toepfer-Weiss")])
    assert (decision.outcome, decision.rule) == ("linked", "kvnr-birth-date-name")
    assert decision.linked == ("b",)


def test_facts_of_a_mapper_are_taken_as_they_are():
    facts = PatientFacts("a", (), MOTHER, "1990-05-03", "Weiß", "Änne")
    assert propose(facts, [record("b", family="Weiß")]).outcome == "linked"


def test_a_newborn_on_its_mothers_kvnr_is_held():
    newborn = record("n", birth_date="2026-11-03", given="Lena")
    decision = propose(newborn, [record("m")])
    assert (decision.outcome, decision.rule) == ("held", "other-birth-date")
    assert decision.held == ("m",)


def test_an_unnamed_newborn_on_its_mothers_kvnr_is_held_too():
    newborn = record("n", birth_date="2026-11-03", given="Baby")
    assert propose(newborn, [record("m")]).rule == "other-birth-date"


def test_twins_on_their_mothers_kvnr_are_held():
    one = record("t1", birth_date="2026-11-03", given="Anna")
    other = record("t2", birth_date="2026-11-03", given="Lena")
    assert (propose(one, [other]).outcome, propose(one, [other]).rule) == ("held", "other-name")


@pytest.mark.parametrize(
    "overrides",
    [
        {"family": "Unbekannt", "given": "Unbekannt"},
        {"given": "Baby"},
        {"family": "Notfall"},
        {"family": "N.N."},
        {"given": ""},
        {"family": ""},
        {"placeholder": True},
    ],
)
def test_placeholder_names_never_match(overrides):
    unnamed = record("b", **overrides)
    assert propose(record("a"), [unnamed]).rule == "placeholder"
    assert propose(unnamed, [record("a")]).rule == "placeholder"
    assert propose(unnamed, [record("c", **overrides)]).outcome == "none"


def test_nothing_matches_an_empty_kvnr():
    assert propose(record("a", kvnr=""), [record("b", kvnr="")]).rule == "no-kvnr"


def test_a_wrong_check_digit_proposes_nothing_unless_the_region_wants_it():
    one, other = record("a", kvnr="A123456789"), record("b", kvnr="A123456789")
    assert propose(one, [other]).rule == "invalid-kvnr"
    assert propose(one, [other], policy=MatchPolicy(check_digit=False)).outcome == "linked"


def test_a_region_sets_its_own_placeholders():
    policy = MatchPolicy(placeholders=Placeholders(anywhere=("toepfer*", "von toepfer*")))
    assert propose(record("a"), [record("b")], policy=policy).rule == "placeholder"


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("", "1990-05-03", "birth-date-incomplete"),
        ("1990", "1990-05-03", "birth-date-incomplete"),
        ("1990", "1990", "birth-date-incomplete"),
        ("1991", "1990-05-03", "other-birth-date"),
    ],
)
def test_a_partial_birth_date_links_nobody(one, other, rule):
    decision = propose(record("a", birth_date=one), [record("b", birth_date=other)])
    assert decision.rule == rule
    assert decision.outcome != "linked"


def test_other_kvnrs_and_the_record_itself_are_left_alone():
    assert propose(record("a"), [record("a"), record("b", kvnr=CHILD)]).rule == "nobody-else"


def test_a_record_that_fits_two_who_do_not_fit_each_other_is_held():
    decision = propose(
        record("a", family="Müller"),
        [record("b", family="Müller-Weber"), record("c", family="Müller-Schmidt")],
    )
    assert (decision.outcome, decision.rule) == ("held", "ambiguous")
    assert decision.held == ("b", "c")


def test_a_record_that_fits_only_one_of_two_linked_records_is_held():
    linked = [record("a", family="Müller"), record("b", family="Müller-Weber")]
    decision = propose(record("c", family="Müller-Schmidt"), linked)
    assert (decision.outcome, decision.rule) == ("held", "ambiguous")


def test_a_record_separated_from_one_of_two_linked_records_is_held():
    decision = propose(record("c"), [record("a"), record("b")], separated={pair("c", "b")})
    assert (decision.outcome, decision.rule) == ("held", "ambiguous")


def test_the_mother_is_linked_with_herself_although_her_newborn_is_held():
    decision = propose(record("m2"), [record("m"), record("n", birth_date="2026-11-03")])
    assert (decision.outcome, decision.linked, decision.held) == ("linked", ("m",), ("n",))


def test_two_persons_by_the_operators_word_are_not_proposed_again():
    decision = propose(record("a"), [record("b")], separated={pair("a", "b")})
    assert (decision.outcome, decision.rule) == ("none", "separated")


def test_a_link_through_a_third_record_does_not_undo_the_operators_word():
    decision = propose(record("a"), [record("b"), record("c")], separated={pair("b", "c")})
    assert decision.rule == "ambiguous"


def test_a_kvnr_learned_on_the_third_day_links_then():
    region = Region()
    region.state(record("practice"))
    assert region.state(record("hospital", kvnr="")).rule == "no-kvnr"
    assert region.persons() == set()
    region.state(record("hospital"))
    assert region.persons() == {pair("practice", "hospital")}


def test_a_wrong_kvnr_corrected_undoes_the_old_proposal_and_makes_the_right_one():
    region = Region()
    region.state(record("right", kvnr=CHILD))
    region.state(record("wrong"))
    region.state(record("patient"))
    assert region.persons() == {pair("wrong", "patient")}
    region.state(record("patient", kvnr=CHILD))
    assert region.persons() == {pair("right", "patient")}
    assert [event.kind for event in region.events][-2:] == [Kind.LINKED, Kind.UNLINKED]


def test_a_newborn_that_gets_its_own_kvnr_is_no_case_any_more_and_merges_then():
    region = Region()
    region.state(record("mother"))
    region.state(record("newborn", birth_date="2026-11-03", given="Baby"))
    assert region.cases() == {pair("mother", "newborn")}
    named = record("newborn", birth_date="2026-11-03", given="Lena", kvnr=CHILD)
    region.state(named)
    assert region.cases() == frozenset()
    final = record("final", birth_date="2026-11-03", given="Lena", kvnr=CHILD)
    region.state(final)
    assert propose_merge(final, named).outcome == "linked"
    region.add("final", "newborn", Kind.MERGED, Source.MERGE)
    assert region.persons() == {pair("newborn", "final")}


def test_a_link_that_becomes_doubtful_is_held_instead():
    region = Region()
    region.state(record("a"))
    region.state(record("b"))
    region.state(record("b", birth_date="1991-05-03"))
    assert region.persons() == set()
    assert region.cases() == {pair("a", "b")}


def test_stating_the_same_facts_again_writes_no_event():
    region = Region()
    region.state(record("a"))
    region.state(record("b"))
    before = list(region.events)
    region.state(record("b"))
    region.state(record("a"))
    assert region.events == before


def test_a_merge_of_two_valid_kvnrs_is_held():
    merged = propose_merge(record("a"), record("b", kvnr=CHILD))
    assert (merged.outcome, merged.rule) == ("held", "merge-of-two-kvnrs")
    assert propose_merge(record("a"), record("b", kvnr="")).outcome == "linked"
    assert propose_merge(record("a"), record("b", kvnr="A123456789")).outcome == "linked"
    assert propose_merge(record("a"), record("a")).outcome == "none"


def test_a_merge_of_what_the_operator_separated_is_held():
    merged = propose_merge(record("a"), record("b"), separated={pair("a", "b")})
    assert (merged.outcome, merged.rule) == ("held", "merge-of-separated")


facts = st.builds(
    record,
    st.sampled_from("abc"),
    kvnr=st.sampled_from([MOTHER, CHILD, ""]),
    birth_date=st.sampled_from(["1990-05-03", "2026-11-03", "1990", ""]),
    family=st.sampled_from(["Müller", "Müller-Weber", "Müller-Schmidt", "Unbekannt"]),
    given=st.sampled_from(["Anna", "Lena", "Anna Lena"]),
)


@given(facts, facts)
def test_a_proposal_looks_the_same_from_both_sides(one, other):
    if one.id != other.id:
        there, back = propose(one, [other]), propose(other, [one])
        assert (there.outcome, there.linked != ()) == (back.outcome, back.linked != ())


@given(st.lists(facts, max_size=8))
def test_after_any_history_linked_records_state_the_same_kvnr(history):
    region = Region()
    for one in history:
        region.state(one)
    for members in region.persons():
        assert len({region.records[member].kvnr for member in members}) == 1


@given(st.lists(facts, max_size=6, unique_by=lambda one: one.id), st.data())
def test_the_order_of_the_others_does_not_matter(others, data):
    shuffled = data.draw(st.permutations(others))
    assert propose(record("z"), shuffled) == propose(record("z"), others)


@given(facts, st.lists(facts, max_size=4))
def test_every_decision_explains_itself_in_both_languages(candidate, others):
    decision = propose(candidate, others)
    for one in (decision, *decision.proposals):
        assert set(one.explanation) == {"de", "en"}


def test_explanations_hold_no_data():
    assert all(
        not any(character.isdigit() for character in sentence)
        for rule in EXPLANATIONS.values()
        for sentence in rule.values()
    )
