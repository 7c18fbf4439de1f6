"""Facts about Batch entities: pure functions that handlers, alert rules and reports read alike."""
