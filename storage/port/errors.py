"""What a store raises."""


class StoreError(Exception):
    """The store cannot be used; the message says why and what to do."""
