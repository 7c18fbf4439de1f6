"""Job schedules."""
