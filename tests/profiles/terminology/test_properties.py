"""What holds for all value sets: algebra, paging, the order of subsumption."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.issue import NotConformant, NotSupported
from profiles.packages import Packages
from profiles.packages.index import entry_of
from profiles.packages.manifest import Manifest
from profiles.packages.package import Package
from profiles.terminology import Terminology

A, B = "urn:system:a", "urn:system:b"
CODES = [f"c{at}" for at in range(8)]
NESTED = "urn:vs:nested"


class _Held:
    def __init__(self, resources):
        self.resources = resources

    def resource(self, filename):
        return self.resources[filename]


def terminology(*resources):
    """A terminology of resources in memory: hypothesis makes many."""
    held = {str(at): one for at, one in enumerate(resources)}
    entries = tuple(entry_of(name, one) for name, one in held.items())
    manifest = Manifest(name="test", version="1.0.0", fhir_versions=("4.0.1",))
    return Terminology(Packages([Package(manifest, entries, _Held(held), place="test")]))


def code_system(url, parents, inactive=()):
    """Codes c0…c7; `parents` has for each code the numbers of codes above it."""
    concepts = []
    for at, above in enumerate(parents):
        properties = [{"code": "parent", "valueCode": f"c{one}"} for one in sorted(above)]
        if at in inactive:
            properties.append({"code": "inactive", "valueBoolean": True})
        concepts.append({"code": f"c{at}", "property": properties})
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "version": "1",
        "caseSensitive": True,
        "content": "complete",
        "concept": concepts,
    }


def ancestors(parents, at):
    """The reference: a plain transitive closure."""
    found, waiting = set(), [at]
    while waiting:
        for one in parents[waiting.pop()]:
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


#: Any relation; circles included.
PARENTS = st.lists(st.sets(st.integers(0, 7), max_size=2), min_size=8, max_size=8)
LISTED = st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True)
FILTER = st.tuples(
    st.sampled_from(["is-a", "descendent-of", "is-not-a", "generalizes", "="]),
    st.sampled_from(CODES),
)


@st.composite
def entries(draw):
    """One include or exclude, and the set of (system, code) it means."""
    kind = draw(st.sampled_from(["all", "list", "filter", "nested", "both"]))
    system = draw(st.sampled_from([A, B]))
    if kind == "all":
        return {"system": system}
    if kind == "list":
        return {"system": system, "concept": [{"code": one} for one in draw(LISTED)]}
    if kind == "nested":
        return {"valueSet": [NESTED]}
    op, value = draw(FILTER)
    entry = {"system": system, "filter": [{"property": "code", "op": op, "value": value}]}
    if kind == "both":
        entry["valueSet"] = [NESTED]
    return entry


def meant(entry, parents, nested):
    """The reference: what an entry means, by its definition."""
    if "system" not in entry:
        return nested
    codes = set(CODES)
    if "concept" in entry:
        codes = {one["code"] for one in entry["concept"]}
    for one in entry.get("filter", ()):
        codes &= {code for code in CODES if fulfilled(one, code, parents)}
    found = {(entry["system"], code) for code in codes}
    return found & nested if "valueSet" in entry else found


def fulfilled(one, code, parents):
    at, value = int(code[1]), int(one["value"][1])
    above = ancestors(parents, at)
    return {
        "is-a": at == value or value in above,
        "descendent-of": at != value and value in above,
        "is-not-a": at != value and value not in above,
        "generalizes": at == value or at in ancestors(parents, value),
        "=": at == value,
    }[one["op"]]


@settings(max_examples=150, deadline=None)
@given(
    parents=PARENTS,
    nested=LISTED,
    include=st.lists(entries(), min_size=1, max_size=4),
    exclude=st.lists(entries(), max_size=3),
)
def test_a_value_set_is_its_includes_without_its_excludes(parents, nested, include, exclude):
    inner = {"include": [{"system": A, "concept": [{"code": one} for one in nested]}]}
    made = terminology(
        code_system(A, parents),
        code_system(B, parents),
        {"resourceType": "ValueSet", "url": NESTED, "version": "1", "compose": inner},
        {
            "resourceType": "ValueSet",
            "url": "urn:vs",
            "version": "1",
            "compose": {"include": include, "exclude": exclude},
        },
    )
    members = {(A, one) for one in nested}
    expected = set().union(*(meant(one, parents, members) for one in include))
    expected -= set().union(*(meant(one, parents, members) for one in exclude))
    expanded = {(one.system, one.code) for one in made.expand("urn:vs").contains}
    assert expanded == expected
    for system in (A, B):
        for code in (*CODES, "c9"):
            asked = made.member("urn:vs", system, code)
            assert asked is ((system, code) in expected)
            validated = made.validate_code("urn:vs", coded={"system": system, "code": code})
            assert (validated.outcome == "yes") is asked
    assert made.member("urn:vs", "", "c0") is any(code == "c0" for _, code in expected)


@settings(max_examples=60, deadline=None)
@given(
    parents=PARENTS,
    inactive=st.sets(st.integers(0, 7)),
    size=st.integers(1, 5),
    active=st.booleans(),
    words=st.sampled_from(["", "c", "1", "C 2"]),
)
def test_pages_partition_the_expansion(parents, inactive, size, active, words):
    made = terminology(code_system(A, parents, inactive))
    whole = made.expand(f"{A}?fhir_vs", active_only=active, filter=words)
    pages = [
        made.expand(f"{A}?fhir_vs", active_only=active, filter=words, offset=at, count=size)
        for at in range(0, 10, size)
    ]
    assert [one for page in pages for one in page.contains] == list(whole.contains)
    assert {page.total for page in pages} == {len(whole.contains)}
    wanted = {at for at in range(8) if not (active and at in inactive)}
    assert {int(one.code[1]) for one in whole.contains} == {
        at for at in wanted if all(word in f"c{at}" for word in words.casefold().split())
    }


@settings(max_examples=60, deadline=None)
@given(
    parents=st.tuples(*(st.sets(st.integers(0, at - 1), max_size=2) if at else st.just(set())
                        for at in range(8))),
)  # fmt: skip
def test_subsumption_is_a_partial_order(parents):
    made = terminology(code_system(A, parents))

    def subsumes(one, other):
        return made.subsumes({"system": A, "code": one}, {"system": A, "code": other})

    opposite = {
        "subsumes": "subsumed-by",
        "subsumed-by": "subsumes",
        "equivalent": "equivalent",
        "not-subsumed": "not-subsumed",
    }
    for one in CODES:
        assert subsumes(one, one) is True
        for other in CODES:
            answer = made.subsumption(A, one, other).outcome
            assert made.subsumption(A, other, one).outcome == opposite[answer]
            assert subsumes(one, other) is (
                one == other or int(one[1]) in ancestors(parents, int(other[1]))
            )
            if one != other:
                assert not (subsumes(one, other) and subsumes(other, one))
            for third in CODES[:4]:
                if subsumes(one, other) and subsumes(other, third):
                    assert subsumes(one, third)


def any_json(names):
    """JSON of any shape, with the names that mean something."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just({"code": "c1"}),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=4)
        ),
        max_leaves=12,
    )


@settings(max_examples=150, deadline=None)
@given(
    content=any_json(["concept", "code", "property", "uri", "valueCode", "valueCoding", "display",
                      "designation", "use", "value", "language"]),
    groups=any_json(["source", "target", "element", "code", "equivalence", "unmapped", "mode",
                     "url", "product", "dependsOn"]),
    ids=any_json(["type", "value", "preferred"]),
)  # fmt: skip
def test_whatever_a_code_system_or_map_looks_like_it_is_answered(content, groups, ids):
    made = terminology(
        {"resourceType": "CodeSystem", "url": A, "content": "complete", "concept": content,
         "property": content, "caseSensitive": content},
        {"resourceType": "ConceptMap", "url": "urn:map", "group": groups},
        {"resourceType": "NamingSystem", "name": "n", "uniqueId": ids},
    )  # fmt: skip
    assert made.validate_code(system=A, code="c1").outcome in {"yes", "no"}
    assert made.validate_code(f"{A}?fhir_vs=isa/c1", system=A, code="c1").outcome in {"yes", "no"}
    made.expand(f"{A}?fhir_vs", include_designations=True).value_set("2026")
    made.translate("urn:map", "", "c1").parameters()
    assert isinstance(made.naming, dict)
    with suppress(NotSupported):
        made.lookup(A, "c1").parameters()


@settings(max_examples=150, deadline=None)
@given(
    compose=any_json(["include", "exclude", "system", "concept", "filter", "valueSet", "property",
                      "op", "value", "code", "contains", "version", "inactive", "designation"]),
)  # fmt: skip
def test_whatever_a_value_set_looks_like_it_is_answered_or_refused(compose):
    made = terminology(
        {"resourceType": "ValueSet", "url": "urn:vs", "version": "1", "compose": compose,
         "expansion": compose}
    )  # fmt: skip
    with suppress(NotConformant):
        assert made.member("urn:vs", A, "c1") in {True, False, None}
