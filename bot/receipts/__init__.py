"""Receipts: reads what a job took, keeps what it came to, and posts it where somebody asked for that."""
