"""Templates of pools, jobs and schedules: saved, shown, listed and deleted."""
