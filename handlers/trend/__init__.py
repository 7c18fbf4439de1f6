"""How things went over time: outcomes, waits, run times, boots and preemptions."""
