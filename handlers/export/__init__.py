"""Whole lists and single entities as files."""
