"""Collections fit the service's requests, lose nothing and keep the order."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.task_input.collections import BYTES, MOST, body, cut, halved
from bot.domain.task_input.model import NewTask


def task(number: int, size: int) -> NewTask:
    encoded = msgspec.json.encode({"id": str(number), "commandLine": "x" * size})
    return NewTask(str(number), "", encoded, number)


@given(st.lists(st.integers(0, 999_000), max_size=30) | st.lists(st.integers(0, 9), max_size=400))
def test_every_task_once_in_requests_that_fit(sizes: list[int]) -> None:
    tasks = [task(number, size) for number, size in enumerate(sizes)]
    collections = cut(tasks)
    assert [each for collection in collections for each in collection] == tasks
    assert all(0 < len(collection) <= MOST and len(body(collection)) < BYTES for collection in collections)
    for collection in collections:
        sent = msgspec.json.decode(body(collection))["value"]
        assert [each["id"] for each in sent] == [each.id for each in collection]


def test_as_few_as_can_be() -> None:
    assert [len(each) for each in cut([task(n, 1) for n in range(250)])] == [100, 100, 50]
    assert [len(each) for each in cut([task(n, 300_000) for n in range(7)])] == [3, 3, 1]


def test_halves() -> None:
    five = tuple(task(n, 1) for n in range(5))
    assert halved(five) == [five[:2], five[2:]]
    assert halved(five[:1]) == [five[:1]]
