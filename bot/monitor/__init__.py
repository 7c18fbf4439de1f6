"""Watching accounts: samples now, transitions later."""
