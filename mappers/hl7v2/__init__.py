"""HL7 v2.1 to v2.8 in ER7 encoding, with the German message profiles."""
