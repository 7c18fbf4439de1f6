"""Reports of money, by hand and by subscription, budgets, and answers to unusual days."""
