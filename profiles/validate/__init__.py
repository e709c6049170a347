"""Validation of resources against the compiled definitions."""

from __future__ import annotations

from profiles.validate.structure import resource_types, structure, structure_bytes

__all__ = ["resource_types", "structure", "structure_bytes"]
