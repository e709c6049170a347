"""Provenance, AuditEvent, the Merkle log and its verification."""
