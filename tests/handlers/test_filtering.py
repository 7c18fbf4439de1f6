"""Lists with a filter over the sandbox's wire: what is asked of the service, how much is read, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from aiohttp import web

from cards.card import Actions, Button, Card, Footer, Menu, plain
from handlers import filtering
from tests.handlers.conftest import Scene

Asked = list[tuple[str, str]]


@pytest.fixture
def asked(scene: Scene) -> Asked:
    """Path and ``$filter`` of every list that is asked for."""
    seen: Asked = []

    def witness(request: web.Request, response: web.Response) -> None:
        if "taskcounts" not in request.path:
            seen.append((request.path, request.query.get("$filter", "")))

    for plane in scene.sandbox.accounts.values():
        plane.witnesses.append(witness)
    return seen


def table(card: Card) -> list[str]:
    """The first column."""
    return [plain(row.cells[0]) for block in card.blocks if hasattr(block, "rows") for row in block.rows]


def notes(card: Card) -> str:
    return " ".join(plain(block.text) for block in card.blocks if isinstance(block, Footer))


def button(card: Card, label: str) -> Button | None:
    items = (item for block in card.blocks if isinstance(block, Actions) for item in block.items)
    return next((item for item in items if isinstance(item, Button) and item.text == label), None)


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_failed_tasks_of_a_great_job_are_all_that_is_read(scene: Scene, asked: Asked) -> None:
    job = "job-0002"
    truth = [t.id for t in scene.world.accounts["performance"].jobs[job].tasks.values()
             if t.state == "completed" and t.execution_info.result == "failure"]  # fmt: skip
    assert len(truth) > 5
    card = await scene.ask(f"task list {job} failed>0")
    assert asked == [(f"/jobs/{job}/tasks", "(state eq 'completed' and executionInfo/result eq 'failure')")]
    assert table(card) == sorted(truth)[:20]
    extent = str(len(truth)) if len(truth) <= 20 else f"20 of {len(truth)}"
    assert plain(card.title) == f"Tasks of {job} · failed · {extent} · {len(truth)} failed"
