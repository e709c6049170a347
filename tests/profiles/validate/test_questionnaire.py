"""Questionnaires: each invariant accepts what is right and names the place of what is wrong."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.validate.questionnaire import questionnaire_issues

GOOD = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [
        {
            "linkId": "1",
            "type": "group",
            "item": [
                {"linkId": "1.1", "type": "string", "maxLength": 10, "initial": [{}]},
                {"linkId": "1.2", "type": "choice", "answerOption": [{"valueString": "a"}]},
                {"linkId": "1.3", "type": "choice", "answerValueSet": "#vs", "repeats": True},
                {"linkId": "1.4", "type": "display"},
            ],
        },
        {
            "linkId": "2",
            "type": "boolean",
            "enableBehavior": "any",
            "enableWhen": [
                {"question": "1.1", "operator": "exists", "answerBoolean": True},
                {"question": "1.2", "operator": "=", "answerString": "a"},
            ],
            "item": [{"linkId": "2.1", "type": "integer", "repeats": True, "initial": [{}, {}]}],
        },
    ],
}
STRING, CHOICE, DISPLAY = (["item", 0, "item", n] for n in (0, 1, 3))
CONDITION = {"question": "1.1", "operator": "exists", "answerBoolean": True}
#: (path of an item, members added to it, location, severity, a word of the text)
BAD = [
    (["item", 0], {"item": None}, "item[0]", "error", "que-1"),
    (DISPLAY, {"item": [{"linkId": "x"}]}, "item[0].item[3].item", "error", "que-1"),
    (STRING, {"linkId": "2.1"}, "item[1].item[0].linkId", "error", "que-2"),
    (DISPLAY, {"code": [{}]}, "item[0].item[3].code", "error", "que-3"),
    (CHOICE, {"answerValueSet": "#vs"}, "item[0].item[1].answerValueSet", "error", "que-4"),
    (CHOICE, {"type": "boolean"}, "item[0].item[1]", "error", "que-5"),
    (DISPLAY, {"required": True}, "item[0].item[3]", "error", "que-6"),
    (
        ["item", 1],
        {"enableWhen": [CONDITION | {"answerBoolean": None, "answerString": "x"}]},
        "item[1].enableWhen[0].answer",
        "error",
        "que-7",
    ),
    (["item", 0], {"initial": [{}]}, "item[0].initial", "error", "que-8"),
    (DISPLAY, {"readOnly": True}, "item[0].item[3].readOnly", "error", "que-9"),
    (CHOICE, {"maxLength": 3}, "item[0].item[1].maxLength", "error", "que-10"),
    (CHOICE, {"initial": [{}]}, "item[0].item[1].initial", "error", "que-11"),
    (["item", 1], {"enableBehavior": None}, "item[1].enableBehavior", "warning", "que-12"),
    (
        ["item", 1],
        {"enableBehavior": None, "enableWhen": [CONDITION] * 3},
        "item[1].enableBehavior",
        "error",
        "que-12",
    ),
    (STRING, {"initial": [{}, {}]}, "item[0].item[0].initial", "error", "que-13"),
    (
        ["item", 1],
        {"enableWhen": [CONDITION | {"question": "9"}]},
        "item[1].enableWhen[0].question",
        "error",
        "not in the questionnaire",
    ),
    (
        ["item", 1],
        {"enableWhen": [CONDITION | {"question": "2"}]},
        "item[1].enableWhen[0].question",
        "error",
        "its own item",
    ),
    (
        ["item", 1],
        {"enableWhen": [CONDITION | {"question": "2.1"}]},
        "item[1].enableWhen[0].question",
        "warning",
        "comes after",
    ),
]


def changed(path, members):
    result = copy.deepcopy(GOOD)
    item = result
    for step in path:
        item = item[step]
    item.update(members)
    for name in [name for name, value in members.items() if value is None]:
        del item[name]
    for condition in item.get("enableWhen", []):
        for name in [name for name, value in condition.items() if value is None]:
            del condition[name]
    return result


def test_a_right_questionnaire_has_no_issue():
    assert list(questionnaire_issues(GOOD, "Questionnaire")) == []


@pytest.mark.parametrize(("path", "members", "location", "severity", "word"), BAD)
def test_a_fault_is_found_where_it_is(path, members, location, severity, word):
    found = list(questionnaire_issues(changed(path, members), "Questionnaire"))
    (issue,) = [one for one in found if word in one.text]
    assert (issue.severity, issue.location) == (severity, f"Questionnaire.{location}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["1.1", "group", "display"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["item", "linkId", "type", "enableWhen", "question", "initial"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_judged_not_crashed_on(value):
    for one in questionnaire_issues({"item": value}, "Questionnaire"):
        assert one.location.startswith("Questionnaire.item")
