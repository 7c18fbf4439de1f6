"""Timelines: what waited for what."""
