"""Who may do what, and the rule that says so."""
