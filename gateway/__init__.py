"""FHIR R4 gateway between the institutions of a health region."""

__version__ = "0.1.0"
