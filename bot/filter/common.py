"""What the tables of fields are made of: readers of rows, and the fields that most entities have.

Which properties ``$filter`` takes, and with which operators, is from the official page "OData filters in Batch"; what
is not there is left to the client.
"""

from __future__ import annotations

from typing import Any

from bot.filter.fields import Field, Kind, Reader, Word

EQUALITY = frozenset({"eq", "ne"})
ORDER = EQUALITY | {"gt", "ge", "lt", "le"}
PREFIX = ORDER | {"startswith"}


def text(*values: str) -> tuple[str, ...]:
    """Texts that are not empty."""
    return tuple(value for value in values if value)


def low(*values: str) -> tuple[str, ...]:
    """Words in lower case, empty ones left out."""
    return tuple(value.lower() for value in values if value)


def some(value: Any) -> tuple[Any, ...]:
    """A value, where there is one."""
    return () if value is None else (value,)


def part(row: Any, owned: str, name: str) -> tuple[Any, ...]:
    """``row.owned.name`` where both are there and set."""
    owner = getattr(row, owned)
    value = getattr(owner, name) if owner is not None else None
    return () if value is None or value == "" else (value,)


def word(wire: str, value: str, shown: str = "") -> Word:
    """A word of a property that every row has."""
    return Word(shown or value, f"{wire} eq '{value}'", f"{wire} ne '{value}'")


def states(*values: str, **shown: str) -> dict[str, Word]:
    """Words of the property ``state``; ``shown`` is how one is said where the service's spelling cannot be read."""
    return {value: word("state", value, shown.get(value, "")) for value in values}


def state(words: dict[str, Word], read: Reader | None = None, needs: str = "state") -> Field:
    """The field that every entity has."""
    return Field("state", Kind.STATE, read or (lambda row: low(row.state)), needs=needs, always=True, words=words)


def time(name: str, wire: str, label: str, *aliases: str, always: bool = False, filtered: bool = True) -> Field:
    """A moment at a path of the wire's names; the models have the same path in snake case."""
    first, *rest = ("".join(f"_{c.lower()}" if c.isupper() else c for c in part) for part in wire.split("/"))

    def top(row: Any) -> tuple[Any, ...]:
        return some(getattr(row, first))

    def below(row: Any) -> tuple[Any, ...]:
        return part(row, first, rest[0])

    return Field(
        name,
        Kind.TIME,
        below if rest else top,
        label,
        aliases,
        wire.partition("/")[0],
        wire if filtered else "",
        ORDER if filtered else frozenset(),
        always,
    )


def number(name: str, read: Reader, label: str = "", *aliases: str, needs: str = "", counted: bool = False) -> Field:
    """A number that only the client can compare."""
    return Field(name, Kind.NUMBER, read, label, aliases, needs, counted=counted)


def flag(name: str, read: Reader, yes: Word, no: Word, *aliases: str, needs: str = "") -> Field:
    """Yes or no, of every row."""
    return Field(name, Kind.FLAG, read, "", aliases, needs, always=True, words={"yes": yes, "no": no})


ID = Field("id", Kind.TEXT, lambda row: (row.id,), "", (), "id", "id", PREFIX, always=True)
NAME = Field(
    "name", Kind.TEXT, lambda row: text(row.id, row.display_name), "", ("display",), "id,displayName", always=True
)
AGE = Field(
    "age",
    Kind.AGE,
    lambda row: some(row.state_transition_time),
    "in its state",
    ("old",),
    "stateTransitionTime",
    "stateTransitionTime",
    ORDER,
    always=True,
)
SINCE = Field(
    "since",
    Kind.TIME,
    AGE.read,
    "changed",
    (),
    "stateTransitionTime",
    "stateTransitionTime",
    ORDER,
    always=True,
    opens=True,
)
CREATED = time("created", "creationTime", "created", "creation", always=True)
MODIFIED = time("modified", "lastModified", "modified", "changed", "lastmodified", always=True)
META = Field(
    "meta",
    Kind.TEXT,
    lambda row: tuple(f"{m.name}={m.value}" for m in row.metadata),
    "metadata",
    ("metadata", "tag"),
    "metadata",
)
LIFE = (ID, NAME, AGE, SINCE, CREATED)
