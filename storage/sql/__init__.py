"""The store in SQL that SQLite and PostgreSQL both speak; what differs is a :class:`storage.sql.database.Dialect`."""
