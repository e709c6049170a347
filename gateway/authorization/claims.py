"""Claims of signed tokens as RFC 7519 section 4.1 has them."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_time(value: Any) -> TypeGuard[int | float]:
    """Whether a claim is a NumericDate: seconds since 1970."""
    return isinstance(value, int | float) and not isinstance(value, bool)
