"""Money: who spent it, what a job came to, and the bill."""
