"""The filter language: what it accepts, what it refuses, and that it means what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.wire.odata import EQUALITY, MAX_DEPTH, ORDER, PREFIX, Column, FilterError, Kind, compile_filter

T0 = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Execution:
    exit_code: int | None = None


@dataclass
class Row:
    id: str
    state: str = "active"
    changed: datetime = T0
    auto: bool | None = None
    execution: Execution | None = None


TABLE = {
    "id": Column(("id",), PREFIX, Kind.TEXT),
    "state": Column(("state",), EQUALITY, Kind.TEXT, frozenset({"active", "completed"})),
    "stateTransitionTime": Column(("changed",), ORDER, Kind.TIME),
    "enableAutoScale": Column(("auto",), EQUALITY, Kind.BOOLEAN),
    "executionInfo/exitCode": Column(("execution", "exit_code"), ORDER, Kind.INTEGER),
}
ROWS = [
    Row("Alpha"),
    Row("beta", "completed", T0 + timedelta(hours=1), True, Execution(0)),
    Row("it's", "completed", T0 + timedelta(hours=2), False, Execution(137)),
    Row("waiting", "active", T0 + timedelta(hours=3), None, Execution()),
]


def ids(text: str) -> list[str]:
    return [row.id for row in compile_filter(text, TABLE)(ROWS)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state eq 'completed'", ["beta", "it's"]),
        ("STATE eq 'completed'", None),
        ("state EQ 'Completed'", ["beta", "it's"]),
        ("id eq 'ALPHA'", ["Alpha"]),
        ("id eq 'it''s'", ["it's"]),
        ("startswith(id,'al')", ["Alpha"]),
        ("startswith(id, 'B') eq true or id eq 'alpha'", ["Alpha", "beta"]),
        ("id ge 'c' and id lt 'x'", ["it's", "waiting"]),
        ("stateTransitionTime ge DateTime'2026-11-01T02:00:00Z'", ["it's", "waiting"]),
        ("stateTransitionTime lt datetime'2026-11-01T01:00:00.0000001Z'", ["Alpha"]),
        ("stateTransitionTime eq DateTime'2026-11-01'", ["Alpha"]),
        ("stateTransitionTime le DateTime'2026-11-01T02:00:00+01:00'", ["Alpha", "beta"]),
        ("executionInfo/exitCode eq 137", ["it's"]),
        ("executionInfo/exitCode gt -1", ["beta", "it's"]),
        ("executionInfo/exitCode ne 0", ["Alpha", "it's", "waiting"]),
        ("enableAutoScale eq true", ["beta"]),
        ("enableAutoScale ne True", ["Alpha", "it's", "waiting"]),
        ("state eq 'active' or state eq 'completed' and executionInfo/exitCode eq 0", ["Alpha", "beta", "waiting"]),
        ("(state eq 'active' or state eq 'completed') AND executionInfo/exitCode eq 0", ["beta"]),
        ("  ( ( id eq 'beta' ) )  ", ["beta"]),
    ],
)
def test_filters_mean_what_they_say(text: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(FilterError):
            ids(text)
    else:
        assert ids(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "incomplete|position"),
        ("state", "incomplete"),
        ("state eq", "incomplete"),
        ("state eqq 'active'", "position 6"),
        ("state eq 'active", "position 9"),
        ("state eq 'active')", "position 17"),
        ("not state eq 'active'", "position"),
        ("'active' eq state", "position 0"),
        ("id startswith 'a'", "position 3"),
        ("commandLine eq 'x'", "property commandLine"),
        ("state gt 'active'", "operator gt"),
        ("startswith(state,'a')", "operator startswith"),
        ("state eq 'gone'", "value gone"),
        ("state eq 3", "integer"),
        ("executionInfo/exitCode eq '0'", "string"),
        ("stateTransitionTime gt '2026-11-01'", "a string"),
        ("stateTransitionTime gt DateTime'yesterday'", "yesterday"),
        ("enableAutoScale eq 1", "integer"),
        ("(" * (MAX_DEPTH + 1) + "id eq 'x'" + ")" * (MAX_DEPTH + 1), "nested"),
    ],
)
def test_what_the_service_refuses(text: str, reason: str) -> None:
    with pytest.raises(FilterError, match=reason):
        compile_filter(text, TABLE)


def test_deepest_allowed_nesting_still_compiles() -> None:
    assert ids("(" * MAX_DEPTH + "id eq 'beta'" + ")" * MAX_DEPTH) == ["beta"]


LEAVES = st.sampled_from(
    [
        ("state eq 'completed'", lambda r: r.state == "completed"),
        ("enableAutoScale eq false", lambda r: r.auto is False),
        ("startswith(id,'it')", lambda r: r.id.startswith("it")),
        (
            "executionInfo/exitCode le 0",
            lambda r: r.execution is not None and r.execution.exit_code is not None and r.execution.exit_code <= 0,
        ),
    ]
)


def both(pair):  # type: ignore[no-untyped-def]
    (left, is_left), (right, is_right) = pair
    return f"({left}) and ({right})", lambda r: is_left(r) and is_right(r)


def either(pair):  # type: ignore[no-untyped-def]
    (left, is_left), (right, is_right) = pair
    return f"({left} or {right})", lambda r: is_left(r) or is_right(r)


@given(st.recursive(LEAVES, lambda sub: st.tuples(sub, sub).map(both) | st.tuples(sub, sub).map(either), max_leaves=8))
def test_compiled_filters_agree_with_python(pair) -> None:  # type: ignore[no-untyped-def]
    text, oracle = pair
    assert ids(text) == [row.id for row in ROWS if oracle(row)]


@given(st.text(alphabet="idstae eqor()',0", max_size=24))
def test_any_text_is_answered_or_refused(text: str) -> None:
    try:
        ids(text)
    except FilterError as error:
        assert str(error)
