"""Consent decisions: select, decide, explain, filter, label."""
