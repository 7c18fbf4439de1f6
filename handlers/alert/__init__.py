"""Alerts and who is notified."""
