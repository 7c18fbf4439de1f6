"""Why something does not do its work."""
