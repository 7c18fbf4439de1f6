"""Nobody's questions keep others waiting: each person has a share, and is told when it is used up."""

from __future__ import annotations

import asyncio

from bot.requests.shares import AT_ONCE, EVERY, PLACES, WAITING, Shares, Turn
from tests.chat.fakes import InstantClock


class Stopped(InstantClock):
    """A clock that stands still until somebody sleeps."""

    def elapsed(self) -> float:
        return sum(self.slept)


async def test_a_share_is_used_up_waited_for_and_whole_again() -> None:
    clock = Stopped()
    shares = Shares(clock)
    turns = [shares.take("slack:U1") for _ in range(AT_ONCE + WAITING + 5)]
    assert turns[:AT_ONCE] == [Turn()] * AT_ONCE
    assert [each.waits for each in turns[AT_ONCE:][:WAITING]] == [EVERY * n for n in range(1, WAITING + 1)]
    assert [each.refused for each in turns] == [False] * (AT_ONCE + WAITING) + [True] * 5
    assert [n for n, each in enumerate(turns) if each.tell] == [AT_ONCE], "it is told once"
    assert shares.take("slack:U2") == Turn(), "everybody has their own"
    await clock.sleep(EVERY)
    assert shares.take("slack:U1") == Turn(waits=EVERY * WAITING)
    await clock.sleep(EVERY * (AT_ONCE + WAITING))
    again = [shares.take("slack:U1") for _ in range(AT_ONCE + 1)]
    assert [each.tell for each in again] == [False] * AT_ONCE + [True], "and once more when it was whole again"


async def test_a_few_of_a_person_are_worked_on_at_a_time_and_those_of_others_beside_them() -> None:
    shares, held, working = Shares(Stopped()), asyncio.Event(), list[str]()

    async def work(person: str) -> None:
        async with shares.place(person):
            working.append(person)
            await held.wait()

    tasks = [asyncio.create_task(work(person)) for person in ["a"] * (PLACES + 3) + ["b"]]
    await asyncio.sleep(0.01)
    assert working == ["a"] * PLACES + ["b"]
    held.set()
    await asyncio.gather(*tasks)
    assert len(working) == PLACES + 4


async def test_whoever_has_their_whole_share_is_forgotten() -> None:
    clock = Stopped()
    shares = Shares(clock)
    for n in range(5000):
        shares.take(f"slack:U{n}")
        await clock.sleep(1.0)
    assert len(shares._people) < 600
