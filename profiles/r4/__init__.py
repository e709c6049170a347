"""Compiled FHIR R4 (4.0.1) core definitions: facts only."""
