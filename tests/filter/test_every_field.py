"""Every field of every list, as a text to be read: what the service is asked, how it is said, what rows have in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import msgspec
import pytest
from msgspec import inspect
from msgspec.structs import replace

from bot.azure.models import Counts, Job, JobSchedule, Node, Pool, PoolNodeCounts, Task
from bot.filter import ENTITIES, SHORT, Entity, Field, Kind, parse
from bot.requests.command import CommandError
from cards.card import plain
from tests.golden import check_text

AT = datetime(2026, 11, 23, 13, 37, 42, tzinfo=UTC)
TYPED = {
    Kind.TEXT: ("{}:a1", "{}:a1,b*", "{}:*", "{}~a1", "{}!=a1", "-{}:a1", "-{}!=a1", "{}>=a1"),
    Kind.NUMBER: ("{}:1,2", "{}>=1", "-{}:1", "{}!=1", "-{}!=1"),
    Kind.DECIMAL: ("{}:1.5", "{}>=1.5", "-{}<1.5"),
    Kind.BYTES: ("{}:1500", "{}>2MB"),
    Kind.AGE: ("{}>2h", "-{}<=2h"),
    Kind.SPAN: ("{}>2h", "{}<=2h", "-{}>2h"),
    Kind.TIME: ("{}:2026-11-20", "{}:2h", "{}>=2026-11-20", "{}!=2026-11-20", "-{}:2026-11-20", "-{}<2026-11-20"),
}
MODELS: dict[str, tuple[type[Any], type[Any] | None]] = {
    "pool": (Pool, PoolNodeCounts),
    "node": (Node, None),
    "job": (Job, Counts),
    "job of a schedule": (Job, Counts),
    "task": (Task, None),
    "schedule": (JobSchedule, None),
}


def typed(field: Field) -> Iterator[str]:
    if field.kind in (Kind.STATE, Kind.FLAG):
        for word in field.words:
            yield from (f"{field.name}:{word}", f"-{field.name}:{word}")
        first, *rest = field.words
        if field.kind is Kind.STATE:
            yield from (
                f"{field.name}:{','.join([first, *rest[:1]])}",
                f"{field.name}!={first}",
                f"-{field.name}!={first}",
            )
        return
    for each in TYPED[field.kind]:
        if field.allowed >= {"~"} or "~" not in each:
            yield each.format(field.name)


def lines(entity: Entity) -> Iterator[str]:
    served = entity not in SHORT
    yield f"{entity.one} ({entity.plural}); a word of its own: {entity.named}"
    for field in entity.fields:
        yield f"\n{', '.join((field.name, *field.aliases))}: {field.title}"
        for each in islice(typed(field), None if served else 2):
            try:
                found = parse([each], entity)
            except CommandError as error:
                yield f"  {each} is refused: {str(error).partition(';')[0]}"
                continue
            asks = f"  asks {found.odata(AT)!r}{'' if found.exact else ', and looks here'}"
            needs = f"  reads {','.join(found.select)}" if found.select else ""
            counts = "  counts" if found.counted else ""
            yield f"  {each}  “{plain(found.words(AT))}”{asks if served else ''}{needs}{counts}"


@pytest.mark.parametrize("entity", [*ENTITIES.values(), *SHORT], ids=lambda entity: entity.name)
def test_what_a_field_asks_of_the_service(entity: Entity) -> None:
    name = f"filter{'-here' if entity in SHORT else ''}-{entity.name.replace(' ', '-')}"
    check_text(name, "\n".join(lines(entity)) + "\n")


def filled(kind: type[Any], numbers: Iterator[int], depth: int = 5) -> Any:
    """A row in which everything is told, each number and moment once, each text the name of where it stands."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    given = {each.name: _value(each.type, each.name, numbers, depth) for each in info.fields}
    return kind(**{name: value for name, value in given.items() if value is not ...})


def _value(kind: inspect.Type, name: str, numbers: Iterator[int], depth: int) -> Any:  # noqa: PLR0911 - one a kind
    match kind:
        case inspect.UnionType():
            return _value(
                next(each for each in kind.types if not isinstance(each, inspect.NoneType)), name, numbers, depth
            )
        case inspect.StructType():
            return filled(kind.cls, numbers, depth - 1) if depth else ...
        case inspect.VarTupleType():
            one = _value(kind.item_type, name, numbers, depth)
            return () if one is ... else (one,)
        case inspect.StrType():
            return "failure" if name == "result" else name
        case inspect.IntType() | inspect.FloatType():
            return next(numbers)
        case inspect.BoolType():
            return True
        case inspect.DateTimeType():
            return AT + timedelta(minutes=next(numbers))
    return ...


STATES: dict[str, list[dict[str, Any]]] = {
    "task": [{"state": "completed"}, {"state": "running"}],
    "job": [{"id": "nightly:job-3"}],
    "node": [{"state": "unusable"}, {"state": "idle"}],
}


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.name)
def test_what_rows_have_in_a_field(entity: Entity) -> None:
    kind, counted = MODELS[entity.name]
    rows = [replace(filled(kind, count(1)), **more) for more in STATES.get(entity.name, [{}])]
    found = []
    for field in entity.fields:
        if field.counted:
            assert counted
            has = [field.read(filled(counted, count(1))), field.read(None)]
        else:
            has = [field.read(each) for each in (*rows, msgspec.convert({}, kind))]
        found.append(f"{field.name}: {' | '.join(', '.join(map(str, each)) or 'nothing' for each in has)}")
    check_text(f"filter-rows-{entity.name.replace(' ', '-')}", "\n".join(found) + "\n")
