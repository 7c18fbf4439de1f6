"""What the stand-in raises when whoever plays the people asks for something impossible."""

from __future__ import annotations


class StandInError(Exception):
    """A person cannot do this. ``code`` is one word, such as ``UserNotFound`` or ``NoSuchAction``."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
