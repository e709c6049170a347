"""What a correct FHIR R4 resource is: reading, structure, search; usable without the gateway."""
