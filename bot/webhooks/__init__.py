"""Events for other programs, as CloudEvents: what alerting decided and what was seen, signed, from the outbox."""
