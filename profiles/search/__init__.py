"""R4 search parameters: index terms and criteria."""

from __future__ import annotations

from profiles.search.criteria import ASKING_TERMINOLOGY, COMBINING, parse_criteria
from profiles.search.dates import BEGINNING, END, range_of
from profiles.search.defined import read_parameters
from profiles.search.folding import folded
from profiles.search.near import NearValue
from profiles.search.nodes import (
    AllOf,
    AnyOf,
    Condition,
    Criteria,
    Has,
    Link,
    Listed,
    Negated,
    Node,
    is_linked,
    plain,
)
from profiles.search.ordering import Rank, SortKey, parse_sort, place, ranks
from profiles.search.parameters import (
    STANDARD,
    Parameter,
    SearchParameters,
    parameters_of,
    unsupported,
)
from profiles.search.surroundings import Codes, Surroundings
from profiles.search.terms import Terms, index_terms
from profiles.search.units import UCUM, Measure, measure
from profiles.search.values import (
    CompositeValue,
    DateValue,
    MissingValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenSetValue,
    TokenValue,
    TypedIdentifierValue,
    UriValue,
)

__all__ = [
    "ASKING_TERMINOLOGY",
    "BEGINNING",
    "COMBINING",
    "END",
    "STANDARD",
    "UCUM",
    "AllOf",
    "AnyOf",
    "Codes",
    "CompositeValue",
    "Condition",
    "Criteria",
    "DateValue",
    "Has",
    "Link",
    "Listed",
    "Measure",
    "MissingValue",
    "NearValue",
    "Negated",
    "Node",
    "Parameter",
    "QuantityValue",
    "Rank",
    "ReferenceValue",
    "SearchParameters",
    "SortKey",
    "StringValue",
    "Surroundings",
    "Terms",
    "TokenSetValue",
    "TokenValue",
    "TypedIdentifierValue",
    "UriValue",
    "folded",
    "index_terms",
    "is_linked",
    "measure",
    "parameters_of",
    "parse_criteria",
    "parse_sort",
    "place",
    "plain",
    "range_of",
    "ranks",
    "read_parameters",
    "unsupported",
]
