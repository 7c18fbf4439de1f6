"""How things went over time, and in the period before: jobs, tasks, waits, boots, preemptions. Pure."""
