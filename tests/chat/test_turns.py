"""Answers to people go before letters, and nobody waits in a line that somebody holds in their sleep."""

from __future__ import annotations

import asyncio

import pytest

from bot.chat.slack.outbound import Channels
from bot.chat.teams.pacer import Pacer
from bot.chat.turns import Turns


class Naps:
    """A sleep that lasts until it is ended."""

    def __init__(self) -> None:
        self.ends: list[asyncio.Event] = []

    async def __call__(self, seconds: float) -> None:
        self.ends.append(asyncio.Event())
        await self.ends[-1].wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_person_goes_before_letters_that_wait_and_after_one_that_speaks() -> None:
    turns, said, speaking = Turns(), list[str](), asyncio.Event()

    async def entry(name: str) -> None:
        async with turns.entry(lambda: 0.0):
            said.append(name)
            await speaking.wait()

    async def person(name: str) -> None:
        async with turns.person():
            said.append(name)

    tasks = [asyncio.create_task(entry("letter 1")), asyncio.create_task(entry("letter 2"))]
    await settle()
    tasks += [asyncio.create_task(person("person 1")), asyncio.create_task(person("person 2"))]
    await settle()
    assert said == ["letter 1"]
    speaking.set()
    await asyncio.gather(*tasks)
    assert said == ["letter 1", "person 1", "person 2", "letter 2"]


async def test_a_letter_that_waits_for_its_pace_holds_nobody_up() -> None:
    naps, said, delays = Naps(), list[str](), [5.0, 0.0]
    turns = Turns(naps)

    async def entry() -> None:
        async with turns.entry(lambda: delays.pop(0)):
            said.append("letter")

    task = asyncio.create_task(entry())
    await settle()
    async with turns.person():
        said.append("person")
        naps.ends[0].set()
        await settle()
        assert said == ["person"], "the person is still there"
    await task
    assert said == ["person", "letter"]


async def test_who_gives_up_leaves_the_line_to_others() -> None:
    turns, naps = Turns(), Naps()

    async def person() -> None:
        async with turns.person():
            await naps(1)

    first, second = asyncio.create_task(person()), asyncio.create_task(person())
    await settle()
    for task in (second, first):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    async with turns.entry(lambda: 0.0):
        pass


async def test_channels_do_not_wait_for_each_other_and_a_letter_is_tried_once() -> None:
    channels, stuck = Channels(pace=0.0), asyncio.Event()
    held = asyncio.create_task(channels.entry("C1", stuck.wait))
    await settle()

    async def said() -> str:
        return "said"

    assert await channels.entry("C2", said) == "said"
    assert await channels.post("C3", said) == "said"
    calls = []

    async def refused() -> None:
        calls.append(1)
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await channels.entry("C2", refused)
    assert len(calls) == 1
    stuck.set()
    await held


async def test_in_teams_a_letter_waits_for_room_without_holding_the_line() -> None:
    now, naps = [1000.0], Naps()
    pacer = Pacer(lambda: now[0], naps)
    for _ in range(7):
        async with pacer.entry("room"):
            pass
    said = []

    async def entry() -> None:
        async with pacer.entry("room"):
            said.append("letter")

    task = asyncio.create_task(entry())
    await settle()
    async with pacer.line("room"):  # the person has the line, and waits for room inside it, before the letter
        said.append("person")
    now[0] += 10.0
    naps.ends[0].set()
    await task
    assert said == ["person", "letter"]
