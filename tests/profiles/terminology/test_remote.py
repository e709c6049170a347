"""A terminology server elsewhere: asked last, cached, left alone when it fails."""

import pytest

from profiles.issue import NotSupported, Unavailable
from profiles.packages import open_packages
from profiles.terminology import CachedRemote, Lifetimes, Terminology

SNOMED_CT = "http://snomed.info/sct"
VALUE_SET = "http://hl7.org/fhir/ValueSet/body-site"


class Server:
    """A terminology server that knows one code."""

    def __init__(self):
        self.asked = []
        self.fails = None

    def operation(self, name, parameters):
        self.asked.append((name, parameters))
        if self.fails:
            raise self.fails
        values = {
            one["name"]: value
            for one in parameters["parameter"]
            for key, value in one.items()
            if key.startswith("value")
        }
        result = values.get("code") == "999000011"
        return {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "result", "valueBoolean": result},
                {"name": "display", "valueString": "Knurr"},
            ],
        }


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def terminology(server, clock):
    remote = CachedRemote(server, clock=lambda: clock[0], lifetimes=Lifetimes(size=2))
    return Terminology(open_packages([]), remote=remote)


def test_the_server_is_asked_where_nothing_local_decides(terminology, server):
    coded = {"system": SNOMED_CT, "code": "999000011"}
    found = terminology.validate_code(VALUE_SET, coded=coded)
    assert (found.outcome, found.display) == ("yes", "Knurr")
    assert server.asked[0][0] == "ValueSet/$validate-code"
    assert server.asked[0][1]["parameter"][:2] == [
        {"name": "url", "valueUri": VALUE_SET},
        {"name": "system", "valueUri": SNOMED_CT},
    ]
    no = terminology.validate_code(VALUE_SET, coded={"system": SNOMED_CT, "code": "1"})
    assert (no.outcome, no.reason) == ("no", "remote")
    assert terminology.member(VALUE_SET, SNOMED_CT, "999000011") is True


def test_what_is_decided_here_is_not_asked_there(terminology, server):
    status = "http://hl7.org/fhir/ValueSet/observation-status"
    assert terminology.member(status, "http://hl7.org/fhir/observation-status", "final") is True
    assert terminology.member(status, "http://hl7.org/fhir/observation-status", "x") is False
    assert server.asked == []


def test_answers_are_kept_for_their_lifetime(terminology, server, clock):
    for _ in range(3):
        assert terminology.member(VALUE_SET, SNOMED_CT, "999000011") is True
    assert len(server.asked) == 1
    clock[0] = Lifetimes().answer + 1
    assert terminology.member(VALUE_SET, SNOMED_CT, "999000011") is True
    assert len(server.asked) == 2


def test_only_so_many_answers_are_kept(terminology, server):
    for code in ("1", "2", "3", "1"):
        assert terminology.member(VALUE_SET, SNOMED_CT, code) is False
    assert len(server.asked) == 4


def test_a_failing_server_is_left_alone_for_a_while(terminology, server, clock):
    server.fails = Unavailable()
    assert terminology.member(VALUE_SET, SNOMED_CT, "999000011") is None
    assert terminology.member(VALUE_SET, SNOMED_CT, "2") is None
    assert len(server.asked) == 1
    found = terminology.validate_code(VALUE_SET, coded={"system": SNOMED_CT, "code": "2"})
    assert (found.outcome, found.missing) == ("undecided", (SNOMED_CT,))
    server.fails, clock[0] = None, Lifetimes().pause + 1
    assert terminology.member(VALUE_SET, SNOMED_CT, "999000011") is True


def test_a_refusal_is_remembered_shorter_than_an_answer(terminology, server, clock):
    server.fails = NotSupported()
    for _ in range(2):
        assert terminology.member(VALUE_SET, SNOMED_CT, "999000011") is None
    assert len(server.asked) == 1
    server.fails, clock[0] = None, Lifetimes().refusal + 1
    assert terminology.member(VALUE_SET, SNOMED_CT, "999000011") is True


def test_a_display_stays_here(terminology, server):
    coded = {"system": SNOMED_CT, "code": "999000011", "display": "Knurr, Frau Beispiel"}
    assert terminology.validate_code(VALUE_SET, coded=coded).outcome == "yes"
    assert {one["name"] for one in server.asked[0][1]["parameter"]} == {"url", "system", "code"}


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"name": "x-caused-by-unknown-system", "valueUri": SNOMED_CT}, "undecided"),
        ({"name": "cause", "valueString": "not-found"}, "undecided"),
        ({"name": "issues", "resource": {"issue": [{"code": "not-found"}]}}, "undecided"),
        ({"name": "issues", "resource": {"issue": [{"code": "code-invalid"}]}}, "no"),
        ({"name": "message", "valueString": "not in the value set"}, "no"),
    ],
)
def test_a_server_that_lacks_the_code_system_decides_nothing(more, outcome):
    class Lacking:
        def operation(self, _name, _parameters):
            result = {"name": "result", "valueBoolean": False}
            return {"resourceType": "Parameters", "parameter": [result, more]}

    found = Terminology(open_packages([]), remote=CachedRemote(Lacking()))
    coded = {"system": SNOMED_CT, "code": "999000011"}
    assert found.validate_code(VALUE_SET, coded=coded).outcome == outcome
