"""batchbot: run Azure Batch from Slack and Microsoft Teams."""
