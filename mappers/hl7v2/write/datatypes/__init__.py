"""FHIR datatypes → HL7 v2.5 datatypes, each returning the components of one repetition."""
