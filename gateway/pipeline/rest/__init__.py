"""What a caller of the FHIR interface writes: checked in a worker, performed by the writer.

https://hl7.org/fhir/R4/http.html. `asked` has the nouns, `check` runs in the worker processes,
`perform` in the writer's transaction, with the same consequences as a message: identity, consent,
evidence.
"""
