"""Validation of codes: yes, no and why, or undecided and what is missing."""

import pytest

from profiles.issue import NotConformant
from profiles.terminology import Strictness

BASE = "http://beispiel.test"
COLOURS = f"{BASE}/CodeSystem/farben"


def vs(name):
    return f"{BASE}/ValueSet/{name}"


@pytest.mark.parametrize(
    ("name", "coded", "outcome", "reason"),
    [
        ("alles", {"system": COLOURS, "code": "marine"}, "yes", ""),
        ("alles", {"system": COLOURS, "code": "gelb"}, "no", "unknown-code"),
        ("alles", {"system": COLOURS, "code": "Rot"}, "no", "wrong-case"),
        ("alles", {"system": f"{BASE}/x", "code": "rot"}, "no", "not-in-value-set"),
        ("alles", {"code": "rot"}, "no", "no-system"),
        ("alles", {"system": COLOURS, "code": "rot", "display": "ROT "}, "yes", ""),
        ("alles", {"system": COLOURS, "code": "rot", "display": "red"}, "yes", ""),
        ("alles", {"system": COLOURS, "code": "rot", "display": "Blau"}, "no", "wrong-display"),
        ("alles", {"system": COLOURS, "code": "alt"}, "yes", ""),
        ("aktiv", {"system": COLOURS, "code": "alt"}, "no", "inactive"),
        ("liste", {"system": COLOURS, "code": "blau"}, "no", "not-in-value-set"),
        ("liste", {"system": COLOURS, "code": "rot", "display": "Signalrot"}, "yes", ""),
        ("alle-farben", {"system": COLOURS, "code": "blau"}, "yes", ""),
        ("alle-farben", {"system": COLOURS, "code": "gelb"}, "no", "unknown-code"),
        ("teil", {"system": f"{BASE}/CodeSystem/teil", "code": "eins"}, "yes", ""),
        ("teil", {"system": f"{BASE}/CodeSystem/teil", "code": "zwei"}, "undecided", "fragment"),
        ("version", {"system": COLOURS, "code": "rot"}, "undecided", "unknown-version"),
        ("version", {"system": COLOURS, "code": "rot", "version": "8"}, "no", "wrong-version"),
        ("gibt-es-nicht", {"system": COLOURS, "code": "rot"}, "undecided", "unknown-value-set"),
        ("unbekannt", {"system": COLOURS, "code": "rot"}, "yes", ""),
        ("alles", {"system": COLOURS, "code": "rot", "version": "1.0.0"}, "yes", ""),
        ("alles", {"system": COLOURS, "code": "rot", "version": "7"}, "undecided",
         "unknown-version"),
    ],
)  # fmt: skip
def test_a_coding_gets_one_of_three_answers(colours, name, coded, outcome, reason):
    found = colours.validate_code(vs(name), coded=coded)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_undecided_names_what_is_missing(colours):
    missing = f"{BASE}/CodeSystem/fehlt"
    found = colours.validate_code(vs("fehlt"), coded={"system": missing, "code": "x"})
    assert (found.outcome, found.missing) == ("undecided", (missing,))
    assert missing in found.issues[0].text
    assert found.issues[0].severity == "warning"
    assert (
        colours.validate_code(vs("fehlt"), coded={"system": COLOURS, "code": "rot"}).outcome
        == "yes"
    )
    elsewhere = colours.validate_code(vs("fehlt"), coded={"system": "urn:x", "code": "rot"})
    assert elsewhere.outcome == "no"
    nested = colours.validate_code(vs("unbekannt"), coded={"system": COLOURS, "code": "blau"})
    assert nested.missing == (vs("gibt-es-nicht"),)


def test_case_is_free_where_the_code_system_says_so_or_says_nothing(colours):
    for name, code, written in (("frei", "JA", "Ja"), ("ungesagt", "X1", "x1")):
        found = colours.validate_code(
            vs(name), coded={"system": f"{BASE}/CodeSystem/{name}", "code": code}
        )
        assert (found.outcome, found.code, found.warnings) == ("yes", written, ("wrong-case",))
        assert colours.member(vs(name), f"{BASE}/CodeSystem/{name}", code) is True


def test_codes_that_differ_in_case_alone_make_a_system_case_sensitive(colours):
    system = f"{BASE}/CodeSystem/gross"
    assert colours.sources.code_system(system).header.case_sensitive is True
    assert colours.validate_code(vs("gross"), system=system, code="A").code == "A"


def test_strictness_decides_on_groups_inactive_codes_and_displays(colours):
    group = {"system": COLOURS, "code": "rot", "display": "Blau"}
    strict = Strictness(abstract=False)
    assert colours.validate_code(vs("alles"), coded=group, strictness=strict).reason == "abstract"
    lenient = Strictness(lenient_display=True)
    found = colours.validate_code(vs("alles"), coded=group, strictness=lenient)
    assert (found.outcome, found.warnings) == ("yes", ("wrong-display",))
    old = {"system": COLOURS, "code": "alt"}
    active = Strictness(active_only=True)
    assert colours.validate_code(vs("alles"), coded=old, strictness=active).reason == "inactive"
    assert colours.validate_code(vs("alles"), coded=old).warnings == ("inactive",)


def test_a_listed_code_that_its_system_does_not_define_is_worth_a_warning(colours):
    found = colours.validate_code(vs("liste"), coded={"system": COLOURS, "code": "grün"})
    assert (found.outcome, found.warnings) == ("yes", ("unknown-code",))


def test_a_code_alone_belongs_to_the_system_that_has_it(colours):
    found = colours.validate_code(vs("alles"), code="rot")
    assert (found.outcome, found.system, found.display) == ("yes", COLOURS, "Rot")
    assert colours.validate_code(vs("alles"), code="gelb").reason == "unknown-code"
    assert colours.member(vs("alles"), "", "rot") is True
    assert colours.member(vs("alles"), "", "gelb") is False
    assert colours.member(vs("fehlt"), "", "gelb") is None


def test_one_valid_coding_is_enough_for_a_concept(colours):
    coded = {"coding": [{"system": "urn:x", "code": "1"}, {"system": COLOURS, "code": "rot"}]}
    found = colours.validate_code(vs("alles"), coded=coded)
    assert (found.outcome, found.code) == ("yes", "rot")
    assert [one.outcome for one in found.codings] == ["no", "yes"]
    assert colours.member_of(coded, vs("alles")) is True
    assert colours.validate_code(vs("alles"), coded={"text": "rötlich"}).outcome == "no"
    assert colours.validate_code(vs("alles"), coded={"coding": []}).outcome == "no"


def test_without_a_value_set_the_code_system_decides(colours):
    assert colours.validate_code(system=COLOURS, code="rot").outcome == "yes"
    assert colours.validate_code(system=COLOURS, code="gelb").reason == "unknown-code"
    assert colours.validate_code(system=COLOURS, code="ROT").reason == "wrong-case"
    assert colours.validate_code(system="urn:fehlt", code="x").reason == "unknown-system"
    assert (
        colours.validate_code(system=COLOURS, code="rot", version="3").reason == "unknown-version"
    )
    assert colours.validate_code(system=f"{BASE}/CodeSystem/teil", code="x").reason == "fragment"
    assert colours.validate_code(code="rot").reason == "no-system"


def test_parameters_say_the_result(colours):
    yes = colours.validate_code(vs("alles"), coded={"system": COLOURS, "code": "rot"}).parameters()
    assert yes["parameter"] == [
        {"name": "result", "valueBoolean": True},
        {"name": "display", "valueString": "Rot"},
    ]
    no = colours.validate_code(vs("alles"), coded={"system": COLOURS, "code": "gelb"}).parameters()
    assert no["parameter"][0] == {"name": "result", "valueBoolean": False}
    assert "does not define" in no["parameter"][1]["valueString"]


def test_answers_never_repeat_what_came_in(colours):
    coded = {"system": COLOURS, "code": "Geheimnis", "display": "Geheimnis"}
    assert "Geheimnis" not in str(colours.validate_code(vs("alles"), coded=coded).issues)


@pytest.mark.parametrize("coded", [{"coding": 7}, {"coding": [3, None]}, {"system": 1, "code": 2}])
def test_malformed_codings_are_answered(colours, coded):
    assert colours.validate_code(vs("alles"), coded=coded).outcome == "no"
    assert colours.member_of(coded, vs("alles")) is False


@pytest.mark.parametrize(
    ("value_set", "system", "good", "bad"),
    [
        ("mimetypes", "urn:ietf:bcp:13", ["text/plain; charset=utf-8", "application/fhir+json"],
         ["pdf", "text/", "a/b;c"]),
        ("all-languages", "urn:ietf:bcp:47", ["de", "de-DE", "de-CH-1996", "zh-Hans-CN", "x-leer"],
         ["deutsch!", "de_DE", "d"]),
        ("ucum-units", "http://unitsofmeasure.org", ["mm[Hg]", "10*9/L", "dB", "[pH]", "{Punkte}"],
         ["mmHg", "foo", ""]),
        ("units-of-time", "http://unitsofmeasure.org", ["min"], ["kg"]),
    ],
)  # fmt: skip
def test_grammars_decide_what_no_list_could(colours, value_set, system, good, bad):
    canonical = f"http://hl7.org/fhir/ValueSet/{value_set}"
    assert [colours.member(canonical, system, one) for one in good] == [True] * len(good)
    assert [colours.member(canonical, system, one) for one in bad] == [False] * len(bad)


def test_a_value_set_that_includes_itself_is_one_clear_error(build):
    def nested(name, other):
        return {
            "resourceType": "ValueSet",
            "url": vs(name),
            "status": "active",
            "compose": {"include": [{"valueSet": [vs(other)]}]},
        }

    made = build(nested("a", "b"), nested("b", "a"))
    with pytest.raises(NotConformant, match="includes itself"):
        made.member(vs("a"), COLOURS, "rot")


def test_a_faulty_value_set_is_the_same_error_each_time(build):
    made = build({
        "resourceType": "ValueSet",
        "url": vs("a"),
        "status": "active",
        "compose": {"include": [{"valueSet": [vs("a")]}]},
    })  # fmt: skip
    for _ in range(2):
        with pytest.raises(NotConformant, match="includes itself"):
            made.member(vs("a"), COLOURS, "rot")


def test_value_sets_that_double_with_each_level_are_refused(build):
    def level(at):
        below = [vs(f"l{at + 1}"), vs(f"l{at + 1}")] if at < 25 else []
        other = {"system": "urn:fehlt", "filter": [{"property": "p", "op": "=", "value": str(at)}]}
        return {
            "resourceType": "ValueSet",
            "url": vs(f"l{at}"),
            "status": "active",
            "compose": {"include": [other, *({"valueSet": [one]} for one in below), other]},
        }

    made = build(*(level(at) for at in range(26)))
    with pytest.raises(NotConformant) as caught:
        made.member(vs("l0"), "urn:fehlt", "x")
    assert caught.value.issues[0].code == "too-costly"


def test_many_includes_do_not_stand_deep_in_each_other(build):
    includes = [
        {"system": "urn:fehlt", "filter": [{"property": "p", "op": "=", "value": str(at)}]}
        for at in range(3_000)
    ]
    made = build({
        "resourceType": "ValueSet",
        "url": vs("viele"),
        "status": "active",
        "compose": {"include": [*includes, {"system": COLOURS, "concept": [{"code": "rot"}]}]},
    })  # fmt: skip
    assert made.member(vs("viele"), "urn:fehlt", "x") is None
    assert made.member(vs("viele"), COLOURS, "rot") is True


@pytest.mark.parametrize(
    ("coded", "outcome", "reason"),
    [
        ({"version": "2.1", "code": "a"}, "yes", ""),
        ({"version": "2.0", "code": "a"}, "yes", ""),
        ({"version": "2.0", "code": "neu"}, "no", "unknown-code"),
        ({"version": "2.1", "code": "neu"}, "yes", ""),
        ({"version": "1.0", "code": "a"}, "undecided", "unknown-version"),
        ({"code": "neu"}, "yes", ""),
    ],
)
def test_a_coding_is_looked_at_in_its_own_version(build, coded, outcome, reason):
    def system(version, *codes):
        return {
            "resourceType": "CodeSystem",
            "url": "urn:cs",
            "version": version,
            "content": "complete",
            "concept": [{"code": one} for one in codes],
        }

    any_version = {
        "resourceType": "ValueSet",
        "url": vs("jede"),
        "status": "active",
        "compose": {"include": [{"system": "urn:cs", "version": "*"}]},
    }
    made = build(system("2.0", "a"), system("2.1", "a", "neu"), any_version)
    found = made.validate_code(vs("jede"), coded={"system": "urn:cs", **coded})
    assert (found.outcome, found.reason) == (outcome, reason)


def test_a_filter_that_is_not_known_leaves_it_undecided_and_says_so(build):
    made = build(
        {
            "resourceType": "CodeSystem",
            "url": "urn:cs",
            "content": "complete",
            "concept": [{"code": "a"}],
        },
        {
            "resourceType": "ValueSet",
            "url": vs("p"),
            "status": "active",
            "compose": {
                "include": [
                    {
                        "system": "urn:cs",
                        "filter": [
                            {"property": "sorte", "op": "=", "value": "x"},
                            {"property": "code", "op": "regex", "value": "[a-f]"},
                        ],
                    }
                ]
            },
        },
    )
    found = made.validate_code(vs("p"), coded={"system": "urn:cs", "code": "a"})
    assert (found.outcome, found.reason) == ("undecided", "unknown-property")
    assert made.member(vs("p"), "urn:cs", "z") is False


def test_a_list_without_codes_takes_none(build):
    made = build({
        "resourceType": "ValueSet",
        "url": vs("leer"),
        "status": "active",
        "compose": {"include": [{"system": COLOURS, "concept": [{"display": "Rot"}]}]},
    })  # fmt: skip
    assert made.member(vs("leer"), COLOURS, "rot") is False


def test_a_pin_binds_only_where_no_other_part_takes_any_version(build):
    def value_set(name, *include):
        return {
            "resourceType": "ValueSet",
            "url": vs(name),
            "status": "active",
            "compose": {"include": list(include)},
        }

    pinned = {"system": "urn:cs", "version": "1", "concept": [{"code": "a"}]}
    free = {"system": "urn:cs", "concept": [{"code": "b"}]}
    made = build(value_set("fest", pinned), value_set("beides", pinned, free))
    coded = {"system": "urn:cs", "version": "2", "code": "b"}
    assert made.validate_code(vs("fest"), coded=coded).reason == "wrong-version"
    assert made.validate_code(vs("beides"), coded=coded).outcome == "yes"


def test_filters_on_the_code_work_on_grammars_too(build):
    images = {
        "system": "urn:ietf:bcp:13",
        "filter": [{"property": "code", "op": "regex", "value": "image/.*"}],
    }
    made = build({
        "resourceType": "ValueSet",
        "url": vs("bilder"),
        "status": "active",
        "compose": {"include": [images]},
    })  # fmt: skip
    assert made.member(vs("bilder"), "urn:ietf:bcp:13", "image/png") is True
    assert made.member(vs("bilder"), "urn:ietf:bcp:13", "text/plain") is False
    assert made.member(vs("bilder"), "urn:ietf:bcp:13", "image/") is False
