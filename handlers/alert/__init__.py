"""Alerts and who is told."""
