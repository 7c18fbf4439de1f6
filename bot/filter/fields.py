"""What a list can be filtered by: fields, and the words of fields that have only a few."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

from cards.formatting import with_article

Reader: TypeAlias = Callable[[Any], tuple[Any, ...]]
"""From a row to the values that it has in a field; none where it has none."""

ORDER = frozenset({">", ">=", "<", "<="})


class Kind(Enum):
    """What a field holds; its value is which operators it takes.

    STATE: lower-case words. TEXT: text. NUMBER: integers. DECIMAL: numbers. BYTES: a count of them. AGE: the moment it
    counts from. SPAN: begin and end of something that lasts, the end None while it does. TIME: a moment. FLAG: a
    boolean.
    """

    STATE = "state", frozenset({":", "!="})
    TEXT = "text", frozenset({":", "!=", "~"}) | ORDER
    NUMBER = "number", frozenset({":", "!="}) | ORDER
    DECIMAL = "decimal", frozenset({":", "!="}) | ORDER
    BYTES = "bytes", frozenset({":", "!="}) | ORDER
    AGE = "age", ORDER
    SPAN = "span", ORDER
    TIME = "time", frozenset({":", "!="}) | ORDER
    FLAG = "flag", frozenset({":", "!="}) | ORDER

    @property
    def operators(self) -> frozenset[str]:
        """As people write them."""
        return self.value[1]


@dataclass(frozen=True)
class Word:
    """A word of a state field: how it is shown, and as ``$filter`` that it holds (``yes``) and that it does not.

    Empty where the service cannot say it.
    """

    shown: str
    yes: str = ""
    no: str = ""


@dataclass(frozen=True, eq=False)
class Field:
    """One field of an entity.

    ``needs`` is the top-level property that ``$select`` has to hold; ``wire`` the property for ``$filter`` and
    ``operators`` what the published grammar allows on it. ``always``: every row has a value. ``implies``: a ``$filter``
    that holds of every row with a value. ``words`` are those of a STATE, and yes and no of a FLAG. ``counted``: it is
    not in the row, but read from counts that are fetched beside it. ``opens``: a TIME where ``:`` means "from then on".
    """

    name: str
    kind: Kind
    read: Reader
    label: str = ""
    aliases: tuple[str, ...] = ()
    needs: str = ""
    wire: str = ""
    operators: frozenset[str] = frozenset()
    always: bool = False
    implies: str = ""
    words: Mapping[str, Word] = field(default_factory=dict)
    counted: bool = False
    opens: bool = False

    @property
    def title(self) -> str:
        """Its name in words."""
        return self.label or self.name

    @property
    def allowed(self) -> frozenset[str]:
        """The operators of the language that it takes."""
        return frozenset({":"}) if self.opens else self.kind.operators


@dataclass(frozen=True, eq=False)
class Entity:
    """A kind of thing that is listed: its name, and its fields, those first that people search for."""

    name: str
    plural: str
    fields: tuple[Field, ...]
    named: str = "name"
    """The field that a word of its own is searched for in."""
    _by_name: dict[str, Field] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError where two fields share a name."""
        for each in self.fields:
            for name in (each.name, *each.aliases):
                if name in self._by_name:
                    raise ValueError(f"two fields of a {self.name} are called {name}")
                self._by_name[name] = each

    def find(self, name: str) -> Field | None:
        """The field of that name or alias, in any case."""
        return self._by_name.get(name.lower().replace("_", "").replace("-", ""))

    @property
    def one(self) -> str:
        """One of it, with its article: ``a job``, ``an image``."""
        return with_article(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its fields, without aliases."""
        return tuple(each.name for each in self.fields)

    def client_side(self, name: str, *fields: str) -> Entity:
        """The same entity for a list on which the service cannot filter by ``fields``."""
        kept = (replace(f, wire="", operators=frozenset()) if f.name in fields else f for f in self.fields)
        return Entity(name, self.plural, tuple(kept), self.named)
