"""The commands: one module per noun. Each takes a context, reads, and returns a card; none knows a platform."""
