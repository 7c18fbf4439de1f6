"""Every state of the service has its facts, and every fact a style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from bot.azure.models import NodeCounts
from bot.domain import states
from bot.domain.states import BAD_NODES, NODES, TROUBLED_NODES, NodeState, Tone, counted, facts_of, total, with_machine
from cards.card import Mark
from cards.charts.node_states import STYLES
from handlers.shared.states import chip_of

TABLES: list[Mapping[Any, states.State]] = [
    states.NODES,
    states.POOLS,
    states.ALLOCATIONS,
    states.JOBS,
    states.TASKS,
    states.SCHEDULES,
    states.CERTIFICATES,
    states.PACKAGES,
]


def test_every_node_state_has_facts_a_column_and_a_look() -> None:
    assert set(NODES) == set(get_args(NodeState))
    assert {facts.column for facts in NODES.values()} | {"total"} == set(NodeCounts.__struct_fields__)
    assert {style.state: style.word for style in STYLES} == {state: facts.word for state, facts in NODES.items()}
    assert {style.state for style in STYLES if style.kind == "bad"} == set(BAD_NODES)
    assert {style.state for style in STYLES if style.kind == "gone"} == {s for s, f in NODES.items() if not f.bills}
    assert {style.state for style in STYLES if style.kind in ("idle", "running")} == {
        s for s, f in NODES.items() if f.takes_tasks
    }
    assert [style.state for style in STYLES if style.state in TROUBLED_NODES] == list(TROUBLED_NODES), "the worst first"


def test_bad_nodes_are_billed_and_take_no_tasks() -> None:
    assert BAD_NODES == ("unusable", "starttaskfailed", "unknown", "offline")
    assert all(NODES[state].bills and not NODES[state].takes_tasks for state in BAD_NODES)
    assert set(TROUBLED_NODES) - set(BAD_NODES) == {"preempted"}


def test_every_tone_is_a_mark() -> None:
    assert {mark.value for mark in Mark} == set(get_args(Tone))


@pytest.mark.parametrize("table", TABLES)
def test_a_state_is_known_in_any_case(table: Mapping[str, states.State]) -> None:
    for state, facts in table.items():
        assert facts_of(table, state.upper()) == facts
        assert chip_of(facts).mark.value == facts.tone
    assert facts_of(table, "Sulking") == states.State("sulking", "neutral")


def test_nodes_are_counted() -> None:
    counts = NodeCounts(running=3, preempted=2, deallocated=1, unusable=4, upgrading_os=1)
    assert total(counts) == 11
    assert with_machine(counts) == 8
    assert counted(counts, "upgradingos") == 1
