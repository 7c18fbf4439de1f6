"""Cost Management's query: what is asked, and what the bill answers."""
