"""FHIR resources → HL7 v2.5 segments, one file per subject."""
