"""What was seen, kept longer than Batch keeps it."""
