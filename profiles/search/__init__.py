"""R4 search parameters: index terms and criteria."""

from __future__ import annotations

from profiles.search.criteria import Condition, Criteria, parse_criteria
from profiles.search.dates import BEGINNING, END, range_of
from profiles.search.folding import folded
from profiles.search.near import NearValue
from profiles.search.parameters import Parameter, parameters_of, unsupported
from profiles.search.terms import Terms, index_terms
from profiles.search.values import (
    CompositeValue,
    DateValue,
    MissingValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)

__all__ = [
    "BEGINNING",
    "END",
    "CompositeValue",
    "Condition",
    "Criteria",
    "DateValue",
    "MissingValue",
    "NearValue",
    "Parameter",
    "QuantityValue",
    "ReferenceValue",
    "StringValue",
    "Terms",
    "TokenValue",
    "UriValue",
    "folded",
    "index_terms",
    "parameters_of",
    "parse_criteria",
    "range_of",
    "unsupported",
]
