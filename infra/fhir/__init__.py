"""FHIR R4 into the record: read, map to what the source states, decide as the API does, append."""
