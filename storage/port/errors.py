"""What a store raises."""


class StoreError(Exception):
    """The store cannot be used; the message says why and what to do."""


class StoreHeld(StoreError):
    """Another program holds the database, or another replica has the duties."""


class CannotStore(StoreError):
    """Nothing can be written now, as on a full or a broken disk. What is there can still be read."""
