"""Every state of every kind of thing is told in words, in the cards that show it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.domain.states import JOBS, NODES, POOLS, SCHEDULES, TASKS, NodeState
from cards.text import render
from tests.handlers.why_world import Ground, Place, ground
from tests.raw_values import RAW


async def shown(here: Ground, *commands: str) -> str:
    cards = [await here.ask(each, who="operator") for each in commands]
    return "\n".join(str(render(card, width=10_000).payload["text"]) for card in cards)


@pytest.mark.parametrize("state", NODES)
async def test_a_node_of_every_state(tmp_path: Path, state: NodeState) -> None:
    async with ground(tmp_path, [()]) as here:
        [place] = here.places.values()
        node = place.nodes[0]
        place.pool.counts[True][node.body.state] -= 1
        node.body.state = state
        place.pool.counts[True][state] += 1
        pool, name = place.pool.id, node.id
        said = await shown(
            here, f"node list {pool}", f"node show {pool} {name}", f"pool show {pool}", f"pool list {pool}",
            f"node map {pool}", f"why node {pool} {name} also", f"why pool {pool} also", f"why job {place.job.id} also",
        )  # fmt: skip
        assert NODES[state].word in said
        assert not RAW.findall(said)


@pytest.mark.parametrize(
    ("states", "what", "commands"),
    [
        (POOLS, "pool", ("pool show {pool}", "pool list {pool}", "why pool {pool} also")),
        (JOBS, "job", ("job show {job}", "job list", "why job {job} also")),
        (SCHEDULES, "schedule", ("schedule show {schedule}", "schedule list", "why schedule {schedule} also")),
    ],
    ids=("pool", "job", "schedule"),
)
async def test_a_thing_of_every_state(
    tmp_path: Path, states: Mapping[str, Any], what: str, commands: tuple[str, ...]
) -> None:
    async with ground(tmp_path, [()]) as here:
        [place] = here.places.values()
        for state, facts in states.items():
            getattr(place, what).body.state = state
            names = {"pool": place.pool.id, "job": place.job.id, "schedule": place.schedule.id}
            said = await shown(here, *(each.format(**names) for each in commands))
            assert facts.word in said, state
            assert not RAW.findall(said)


@pytest.mark.parametrize("state", TASKS)
async def test_a_task_of_every_state(tmp_path: Path, state: str) -> None:
    async with ground(tmp_path, [()]) as here:
        [place] = here.places.values()
        task = _first(place)
        task.state = state
        job = place.job.id
        said = await shown(here, f"task show {job} {task.id}", f"task list {job}", f"why task {job} {task.id} also")
        assert TASKS[state].word in said
        assert not RAW.findall(said)


def _first(place: Place) -> Any:
    return next(iter(place.job.tasks.values()))
