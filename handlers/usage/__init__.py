"""Cores and money over time."""
