"""What is kept: one port, SQLite by default."""
