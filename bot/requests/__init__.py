"""From what a person asked to the answer: grammar, registry, dispatcher, journal and live answers."""
