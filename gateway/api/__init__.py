"""FHIR REST and raw intake over HTTP: one file per interaction."""
