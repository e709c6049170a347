"""Proof for outsiders: sees only the wire and the command line."""
