"""QuestionnaireResponses: answers fit their questions, and every misfit is named at its place."""

import copy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.validate.enable_when import Enabling
from profiles.validate.questionnaire_response import questionnaire_response_issues

URL = "https://klinik.example/Questionnaire/aufnahme"
YES = {"system": "http://snomed.info/sct", "code": "373066001", "display": "Ja"}
NO = {"system": "http://snomed.info/sct", "code": "373067005"}
QUESTIONNAIRE = {
    "resourceType": "Questionnaire",
    "url": URL,
    "subjectType": ["Patient", "RelatedPerson"],
    "contained": [
        {
            "resourceType": "ValueSet",
            "id": "vs",
            "compose": {"include": [{"system": "http://a.example", "concept": [{"code": "a"}]}]},
        }
    ],
    "item": [
        {"linkId": "hinweis", "type": "display"},
        {
            "linkId": "raucher",
            "type": "choice",
            "required": True,
            "answerOption": [{"valueCoding": YES}, {"valueCoding": NO}],
            "item": [{"linkId": "seit", "type": "date"}],
        },
        {
            "linkId": "menge",
            "type": "integer",
            "required": True,
            "enableWhen": [{"question": "raucher", "operator": "=", "answerCoding": YES}],
        },
        {
            "linkId": "medikamente",
            "type": "group",
            "repeats": True,
            "item": [
                {"linkId": "name", "type": "string", "required": True, "maxLength": 20},
                {"linkId": "stoff", "type": "choice", "answerValueSet": "#vs"},
            ],
        },
        {"linkId": "sonst", "type": "open-choice", "answerOption": [{"valueCoding": YES}]},
        {"linkId": "allergien", "type": "text", "repeats": True},
        {"linkId": "gruppe", "type": "choice", "answerValueSet": "http://a.example/vs"},
    ],
}
RESPONSE = {
    "resourceType": "QuestionnaireResponse",
    "questionnaire": URL,
    "status": "completed",
    "subject": {"reference": "Patient/1"},
    "item": [
        {"linkId": "hinweis"},
        {
            "linkId": "raucher",
            "answer": [
                {
                    "valueCoding": YES,
                    "item": [{"linkId": "seit", "answer": [{"valueDate": "1999"}]}],
                }
            ],
        },
        {"linkId": "menge", "answer": [{"valueInteger": 20}]},
        {
            "linkId": "medikamente",
            "item": [
                {"linkId": "name", "answer": [{"valueString": "Ramipril 5 mg"}]},
                {
                    "linkId": "stoff",
                    "answer": [{"valueCoding": {"system": "http://a.example", "code": "a"}}],
                },
            ],
        },
        {
            "linkId": "medikamente",
            "item": [{"linkId": "name", "answer": [{"valueString": "ASS 100"}]}],
        },
        {"linkId": "sonst", "answer": [{"valueString": "gelegentlich"}]},
        {"linkId": "allergien", "answer": [{"valueString": "Nüsse"}, {"valueString": "Pollen"}]},
        {"linkId": "gruppe", "answer": [{"valueCoding": {"code": "x", "system": "y"}}]},
    ],
}
MISSING = object()
SMOKER = ["item", 1, "answer", 0, "valueCoding"]
#: (path, value, location, severity, a word of the text)
BAD = [
    (["subject"], {"reference": "Device/1"}, "subject", "error", "subjects of this type"),
    (["subject"], {"type": "Device"}, "subject", "error", "subjects of this type"),
    (["item", 1], MISSING, "item", "error", "required item raucher"),
    (["item", 2], MISSING, "item", "error", "required item menge"),
    (["item", 3, "item", 0], MISSING, "item[3].item", "error", "required item name"),
    (SMOKER, NO, "item[2]", "error", "do not enable"),
    (SMOKER, {"code": "373066001"}, "item[1].answer[0].value", "error", "none of the options"),
    (
        ["item", 5, "answer", 0],
        {"valueCoding": NO},
        "item[5].answer[0].value",
        "error",
        "none of the options",
    ),
    (
        ["item", 2, "answer", 0],
        {"valueDecimal": 20},
        "item[2].answer[0].value",
        "error",
        "another type",
    ),
    (["item", 2, "answer", 1], {"valueInteger": 1}, "item[2].answer[1]", "error", "one answer"),
    (["item", 0, "answer"], [{"valueString": "x"}], "item[0].answer", "error", "type display"),
    (["item", 3, "answer"], [{"valueString": "x"}], "item[3].answer", "error", "type group"),
    (["item", 8], {"linkId": "fremd"}, "item[8].linkId", "error", "no item of this link id"),
    (["item", 8], {"linkId": "name"}, "item[8].linkId", "error", "another place"),
    (["item", 8], {"linkId": "hinweis"}, "item[8]", "error", "another order"),
    (["item", 8], {"linkId": "gruppe"}, "item[8]", "error", "one item of this link id"),
    (
        ["item", 3, "item", 0, "answer", 0, "valueString"],
        "Ramipril/Hydrochlorothiazid",
        "item[3].item[0].answer[0].value",
        "error",
        "longer",
    ),
    (
        ["item", 3, "item", 0, "answer", 0, "valueString"],
        "a\nb",
        "item[3].item[0].answer[0].value",
        "warning",
        "single line",
    ),
    (
        ["item", 3, "item", 1, "answer", 0, "valueCoding", "code"],
        "b",
        "item[3].item[1].answer[0].value",
        "error",
        "not in the value set",
    ),
    (
        ["item", 7, "answer", 0, "valueCoding", "code"],
        "z",
        "item[7].answer[0].value",
        "error",
        "not in the value set",
    ),
    (
        ["item", 7, "answer", 0, "valueCoding", "code"],
        "?",
        "item[7].answer[0].value",
        "information",
        "cannot be decided",
    ),
    (["item", 2, "item"], [], "item[2]", "error", "qrs-1"),
    (["item", 5, "answer"], MISSING, None, None, None),
    (["item", 5], {"linkId": "sonst", "item": []}, "item[5].item", "error", "beneath its answer"),
    (["questionnaire"], MISSING, "questionnaire", "warning", "names no questionnaire"),
    (["questionnaire"], "http://a.example/other", "questionnaire", "warning", "not at hand"),
    (["questionnaire"], "http://a.example/vs", "questionnaire", "error", "no questionnaire"),
]


def changed(resource, path, value):
    result = copy.deepcopy(resource)
    target = result
    for step in path[:-1]:
        target = target[step]
    if value is MISSING:
        del target[path[-1]]
    elif isinstance(target, list) and path[-1] == len(target):
        target.append(value)
    else:
        target[path[-1]] = value
    return result


def questionnaire_of(canonical):
    return {URL: QUESTIONNAIRE, "http://a.example/vs": {"resourceType": "ValueSet"}}.get(canonical)


def is_member(_value_set, _system, code):
    return {"x": True, "z": False}.get(code)


def issues(response, ask=questionnaire_of):
    return list(questionnaire_response_issues(response, "QuestionnaireResponse", ask, is_member))


def test_a_response_that_answers_its_questionnaire_has_no_issue():
    assert issues(RESPONSE) == []


@pytest.mark.parametrize(("path", "value", "location", "severity", "word"), BAD)
def test_a_misfit_is_found_where_it_is(path, value, location, severity, word):
    found = issues(changed(RESPONSE, path, value))
    if word is None:
        assert found == []
        return
    (issue,) = [one for one in found if word in one.text]
    assert (issue.severity, issue.location) == (severity, f"QuestionnaireResponse.{location}")


@pytest.mark.parametrize("status", ["in-progress", "entered-in-error", "stopped"])
def test_nothing_is_required_before_the_response_is_completed(status):
    response = changed(RESPONSE, ["item"], []) | {"status": status}
    assert issues(response) == []
    assert issues(response | {"status": "amended"}) != []


def test_an_item_that_is_not_enabled_is_not_required():
    response = changed(changed(RESPONSE, SMOKER, NO), ["item", 2], MISSING)
    assert issues(response) == []


def test_a_contained_questionnaire_is_used():
    inner = QUESTIONNAIRE | {"id": "q"}
    response = RESPONSE | {"questionnaire": "#q", "contained": [inner]}
    assert issues(response, ask=lambda _: None) == []
    assert issues(changed(response, ["item", 1], MISSING), ask=lambda _: None) != []


def test_limits_of_the_number_of_answers_hold():
    base = "http://hl7.org/fhir/StructureDefinition/questionnaire-"
    for name, limit, word in (("maxOccurs", 1, "more"), ("minOccurs", 3, "fewer")):
        extension = [{"url": base + name, "valueInteger": limit}]
        questionnaire = changed(QUESTIONNAIRE, ["item", 5, "extension"], extension)
        (issue,) = issues(RESPONSE, ask=lambda _, found=questionnaire: found)
        assert word in issue.text
        assert issue.location == "QuestionnaireResponse.item[6].answer"


PDF = {"contentType": "application/pdf", "data": "QUJD" * 1000}


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "extension", "member"),
    [
        ("integer", {"valueInteger": 3}, {"valueInteger": 2}, {"minValue": ("Integer", 3)}, ""),
        (
            "date",
            {"valueDate": "2026-01-01"},
            {"valueDate": "2026-01-02"},
            {"maxValue": ("Date", "2026-01-01")},
            "",
        ),
        (
            "decimal",
            {"valueDecimal": Decimal("1.50")},
            {"valueDecimal": Decimal("1.500")},
            {"maxDecimalPlaces": ("Integer", 2)},
            "",
        ),
        (
            "string",
            {"valueString": "abc"},
            {"valueString": "ab"},
            {"minLength": ("Integer", 3)},
            "",
        ),
        (
            "attachment",
            {"valueAttachment": PDF | {"data": "QUJD"}},
            {"valueAttachment": PDF},
            {"maxSize": ("Decimal", Decimal("0.001"))},
            "",
        ),
        (
            "attachment",
            {"valueAttachment": PDF},
            {"valueAttachment": PDF | {"contentType": "image/png"}},
            {"mimeType": ("Code", "application/pdf")},
            ".contentType",
        ),
        (
            "quantity",
            {"valueQuantity": {"value": 1, "system": "a", "code": "kg"}},
            {"valueQuantity": {"value": 1, "system": "a", "code": "g"}},
            {"questionnaire-unitOption": ("Coding", {"system": "a", "code": "kg"})},
            "",
        ),
    ],
)
def test_limits_of_an_answer_hold(kind, right, wrong, extension, member):
    ((name, (limit_type, limit)),) = extension.items()
    url = f"http://hl7.org/fhir/StructureDefinition/{name}"
    question = {"linkId": "q", "type": kind}
    question["extension"] = [{"url": url, f"value{limit_type}": limit}]
    questionnaire = {"resourceType": "Questionnaire", "item": [question]}

    def judged(answer):
        response = RESPONSE | {"item": [{"linkId": "q", "answer": [answer]}]}
        return issues(response, ask=lambda _: questionnaire)

    assert judged(right) == []
    (issue,) = judged(wrong)
    assert issue.location == f"QuestionnaireResponse.item[0].answer[0].value{member}"


QUANTITY = {"value": 5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}


@pytest.mark.parametrize(
    ("operator", "expected", "answers", "enabled"),
    [
        ("exists", {"answerBoolean": True}, [{"valueInteger": 1}], True),
        ("exists", {"answerBoolean": True}, [], False),
        ("exists", {"answerBoolean": False}, [], True),
        ("exists", {"answerBoolean": False}, [{"valueInteger": 1}], False),
        ("=", {"answerInteger": 1}, [{"valueInteger": 1}], True),
        ("=", {"answerInteger": 1}, [{"valueInteger": 2}, {"valueInteger": 1}], True),
        ("=", {"answerInteger": 1}, [{"valueInteger": 2}], False),
        ("=", {"answerInteger": 1}, [], False),
        ("!=", {"answerInteger": 1}, [{"valueInteger": 2}], True),
        ("!=", {"answerInteger": 1}, [{"valueInteger": 1}], False),
        ("!=", {"answerInteger": 1}, [], None),
        (">", {"answerDecimal": 1.5}, [{"valueDecimal": 2}], True),
        (">", {"answerDecimal": 1.5}, [], False),
        ("<", {"answerInteger": 3}, [{"valueInteger": 3}], False),
        (">=", {"answerInteger": 3}, [{"valueInteger": 3}], True),
        ("<=", {"answerInteger": 3}, [{"valueInteger": 4}], False),
        ("<", {"answerDate": "2000-01-01"}, [{"valueDate": "1999-12-31"}], True),
        ("<", {"answerDate": "2000"}, [{"valueDate": "2000-05"}], None),
        ("<", {"answerDate": "2000"}, [{"valueDate": "1999-05"}], True),
        (
            ">",
            {"answerDateTime": "2026-01-01T12:00:00Z"},
            [{"valueDateTime": "2026-01-01T12:30:00+01:00"}],
            False,
        ),
        (">", {"answerTime": "12:00:00"}, [{"valueTime": "12:30:00"}], True),
        ("=", {"answerCoding": NO}, [{"valueCoding": NO | {"display": "Nein"}}], True),
        ("=", {"answerCoding": NO}, [{"valueCoding": YES}], False),
        ("=", {"answerString": "a"}, [{"valueInteger": 1}], None),
        (">", {"answerQuantity": QUANTITY}, [{"valueQuantity": QUANTITY | {"value": 7}}], True),
        (">", {"answerQuantity": QUANTITY}, [{"valueQuantity": QUANTITY | {"code": "g"}}], None),
        ("=", {"answerQuantity": QUANTITY}, [{"valueQuantity": QUANTITY}], True),
        (
            "=",
            {"answerReference": {"reference": "Patient/1"}},
            [{"valueReference": {"reference": "Patient/2"}}],
            False,
        ),
        ("~", {"answerInteger": 1}, [{"valueInteger": 1}], None),
    ],
)
def test_each_operator_enables_as_it_should(operator, expected, answers, enabled):
    item = {"enableWhen": [{"question": "q", "operator": operator} | expected]}
    scope = ([{"linkId": "q", "answer": answers}],)
    assert Enabling().is_enabled(item, scope) is enabled


@pytest.mark.parametrize(
    ("behavior", "answers", "enabled"),
    [
        ("any", [1, 1], True),
        ("any", [1, 0], True),
        ("any", [0, 0], False),
        ("all", [1, 1], True),
        ("all", [1, 0], False),
        ("all", [0, 0], False),
        (None, [1, 1], True),
        (None, [1, 0], None),
        (None, [0, 0], False),
    ],
)
def test_several_conditions_count_as_their_behavior_says(behavior, answers, enabled):
    condition = {"operator": "=", "answerInteger": 1}
    item = {"enableWhen": [condition | {"question": "a"}, condition | {"question": "b"}]}
    item |= {"enableBehavior": behavior} if behavior else {}
    scope = (
        [
            {"linkId": name, "answer": [{"valueInteger": value}]}
            for name, value in zip("ab", answers, strict=True)
        ],
    )
    assert Enabling().is_enabled(item, scope) is enabled


def test_the_nearest_question_decides():
    item = {"enableWhen": [{"question": "q", "operator": "=", "answerInteger": 1}]}
    own, outer = ([{"linkId": "q", "answer": [{"valueInteger": value}]}] for value in (1, 2))
    assert Enabling().is_enabled(item, (outer, own)) is True
    assert Enabling().is_enabled(item, (own, outer)) is False


def test_an_expression_of_another_language_is_not_guessed():
    url = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"
    assert Enabling().is_enabled({"extension": [{"url": url}]}, ([],)) is None


def test_groups_times_questions_are_bounded():
    questions = [{"linkId": str(n), "type": "string", "required": True} for n in range(3000)]
    group = {"linkId": "g", "type": "group", "repeats": True, "item": questions}
    questionnaire = {"resourceType": "Questionnaire", "item": [group]}
    response = RESPONSE | {"item": [{"linkId": "g"}] * 3000}
    assert len(issues(response, ask=lambda _: questionnaire)) == 1000
    never = {"question": "g", "operator": "exists", "answerBoolean": True}
    for question in questions:
        question["enableWhen"] = [never]
    assert issues(response, ask=lambda _: questionnaire)[-1].code == "too-costly"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["raucher", "menge", "1999"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["item", "linkId", "answer", "valueCoding", "valueString", "code"]),
            inner,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from([RESPONSE, QUESTIONNAIRE]), st.data())
def test_any_json_in_any_place_is_judged_not_crashed_on(resource, data):
    path, place = [], resource
    while isinstance(place, dict | list) and place and (not path or data.draw(st.booleans())):
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        path.append(data.draw(st.sampled_from(keys)))
        place = place[path[-1]]
    wrong = changed(resource, path, data.draw(JSON))
    found = issues(wrong) if resource is RESPONSE else issues(RESPONSE, ask=lambda _: wrong)
    assert all(one.location.startswith("QuestionnaireResponse") for one in found)
