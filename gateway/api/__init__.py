"""The HTTP interface: FHIR reads and searches, inbound messages, health and metrics."""
