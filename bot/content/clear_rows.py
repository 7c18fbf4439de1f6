"""What is read of Azure to be watched, without secrets from the moment that it is read.

Watching keeps what it reads, compares it with what is read next, and cuts it: so it never has a secret at all. Ids stay
exact, since entities are found by them; a card that shows one clears it (:mod:`bot.content.outgoing`).
"""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from bot.azure.models import NameValue
from bot.content.outgoing import clear
from bot.content.redaction import HIDDEN, is_secret
from bot.content.texts import Texts

T = TypeVar("T")

_EXACT = frozenset({"id", "url", "etag", "vm_size", "name"})


def without_secrets(row: T) -> T:
    """Something that the service answered, its words cleared; a value is hidden by its name too."""
    return _ROWS.value(row)


class _Rows(Texts):
    def struct(self, value: Struct) -> Any:
        if isinstance(value, NameValue):
            hidden = HIDDEN if value.value and is_secret(value.name) else clear(value.value)
            name = clear(value.name)
            return value if (name, hidden) == (value.name, value.value) else replace(value, name=name, value=hidden)
        return self.fields(value)


def _is_exact(name: str) -> bool:
    return name in _EXACT or name.endswith(("_id", "_ids"))


_ROWS = _Rows(clear, _is_exact)
