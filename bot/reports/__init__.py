"""Reports of money by calendar: what they say, to whom they go, and that each goes once; and what budgets come to."""
