"""The tags of pools, which are their metadata; they are compared without regard to case."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.domain.entity import fold


class Tag(Struct, frozen=True):
    """A key with its value, neither of which is empty."""

    key: str
    value: str

    @staticmethod
    def read(words: str) -> Tag | None:
        """``team=render``; None for anything else."""
        key, _, value = (part.strip() for part in words.partition("="))
        return Tag(key, value) if key and value else None

    def on(self, tags: Mapping[str, str]) -> bool:
        """Whether something with these tags has it."""
        return fold(tag_of(tags, self.key)) == fold(self.value)


def tag_of(tags: Mapping[str, str], key: str) -> str:
    """The value of a key; empty where there is none."""
    return next((value for name, value in tags.items() if fold(name) == fold(key)), "")
