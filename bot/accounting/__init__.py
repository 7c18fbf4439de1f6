"""What accounts cost: one number for every card, post and rule, from samples and prices, beside what Azure billed."""
