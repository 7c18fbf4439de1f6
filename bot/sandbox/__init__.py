"""An Azure Batch, a Slack and a Teams in one process, on the other side of real HTTP."""
