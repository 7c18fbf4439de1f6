"""Whatever is asked of it, the budget keeps within every limit, and answers go before alerts and live edits."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable

import pytest

from bot.chat.budget import SHARES, Budget, Limits, Priority, unfenced
from bot.chat.port import Undelivered
from bot.chat.slack.limits import LIMITS as SLACK
from bot.chat.teams.outbound import LIMITS as TEAMS

ANSWER, ALERT, LIVE = Priority


class Time:
    """Time that passes only when nobody can go on without."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def teams(time: Time) -> Budget:
    return Budget(TEAMS, time, time.sleep)


class Calls:
    """Calls that are made when they get their turn, and end when they are told to."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.made: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def ask(
        self,
        name: str,
        priority: Priority,
        conversation: str = "room",
        kind: str = "call",
        call: Callable[[], Awaitable[object]] | None = None,
        person: str = "",
    ) -> None:
        async def work() -> None:
            async with self.budget.turn(conversation, priority, kind, person):
                self.made.append(name)
                if call:
                    await call()

        self.tasks[name] = asyncio.create_task(work())

    async def done(self) -> list[str]:
        await asyncio.gather(*self.tasks.values())
        return self.made


@pytest.mark.parametrize("seed", range(5))
async def test_no_window_is_ever_fuller_than_teams_allows(seed: int) -> None:
    time, seen = Time(), list[float]()
    dice = random.Random(seed)
    budget = teams(time)
    for _ in range(2500):
        if dice.random() < 0.05:
            time.now += dice.expovariate(1 / 5)
        async with budget.turn("room", ANSWER, "call"):
            time.now += dice.choice([0.0, 0.0, 0.01, 0.2])
            seen.append(time.now)  # the service sees a call some time before it ends
            time.now += dice.choice([0.0, 0.0, 0.05])
    for calls, seconds in TEAMS["call"].conversation:
        spans = [later - first for first, later in zip(seen, itertools.islice(seen, calls, None), strict=False)]
        assert min(spans) >= seconds - 1e-6, f"{calls + 1} calls within {min(spans)} s"


async def test_a_person_waits_no_longer_than_teams_asks_for() -> None:
    time = Time()
    budget = teams(time)
    for _ in range(46):
        async with budget.turn("room", ANSWER, "call"):
            pass
    assert time.now - 1000.0 == pytest.approx(5 * 2.0, abs=0.1)  # 46 = 5 x 8 + 6: only 8 in 2 s binds


async def test_conversations_do_not_wait_for_one_another_until_the_workspace_is_full() -> None:
    time, times = Time(), list[float]()
    budget = teams(time)
    for room in range(100):
        async with budget.turn(f"room {room}", ANSWER, "call"):
            times.append(round(time.now - 1000.0, 3))
    assert times == [0.0] * 40 + [1.0] * 40 + [2.0] * 20


async def test_answers_go_before_alerts_before_live_edits_each_in_the_order_they_came() -> None:
    calls, held = Calls(teams(Time())), asyncio.Event()
    calls.ask("under way", LIVE, call=held.wait)
    await settle()
    asked = {"live": LIVE, "alert 1": ALERT, "answer 1": ANSWER, "alert 2": ALERT, "answer 2": ANSWER}
    for name, priority in asked.items():
        calls.ask(name, priority)
    await settle()
    assert calls.made == ["under way"], "one call at a time in a conversation"
    held.set()
    assert await calls.done() == ["under way", "answer 1", "answer 2", "alert 1", "alert 2", "live"]


async def test_people_overtake_alerts_that_wait_for_room_also_from_another_conversation() -> None:
    naps: list[asyncio.Event] = []

    async def sleep(seconds: float) -> None:
        naps.append(asyncio.Event())
        await naps[-1].wait()

    time = Time()
    budget = Budget({"call": Limits(conversation=(), workspace=((1, 60.0),))}, time, sleep)
    calls = Calls(budget)
    calls.ask("first", ANSWER)
    await settle()
    calls.ask("alert", ALERT)
    calls.ask("answer", ANSWER, "another room")
    await settle()
    assert calls.made == ["first"]
    for _ in range(2):
        time.now += 61.0
        naps.pop(0).set()
        await settle()
    assert calls.made == ["first", "answer", "alert"]


@pytest.mark.parametrize(("priority", "others"), [(ALERT, LIVE), (ANSWER, ALERT)])
async def test_lower_priorities_leave_room(priority: Priority, others: Priority) -> None:
    time = Time()
    budget = Budget(SLACK, time, time.sleep)
    allowed = int(50 * SHARES[others])
    for n in range(allowed):
        async with budget.turn(f"room {n}", others, "update"):
            pass
    assert budget.delay("a", others, "update") > 50
    assert budget.delay("a", priority, "update") <= 0
    assert time.now < 1002.0


@pytest.mark.parametrize(("limits", "kind"), [(TEAMS, "call"), (SLACK, "post"), (SLACK, "update")])
async def test_an_alert_gets_through_however_many_people_ask(limits: dict[str, Limits], kind: str) -> None:
    """Ten minutes of answers without a pause, and an alert every half minute."""
    time = Time()
    budget, over, waited = Budget(limits, time, time.sleep), asyncio.Event(), list[float]()

    async def asks(room: str, person: str) -> None:
        while not over.is_set():
            async with budget.turn(room, ANSWER, kind, person):
                await asyncio.sleep(0)

    async def alerts() -> None:
        while time.now < 1600.0:
            begun = time.now
            async with budget.turn("room", ALERT, kind):
                waited.append(time.now - begun)
            while time.now < begun + 30.0:  # noqa: ASYNC110 - time passes by what the others do
                await asyncio.sleep(0)
        over.set()

    people = [asks(room, f"{n}") for room in ("room", "a", "b", "c", "d") for n in range(4)]
    await asyncio.gather(alerts(), *people)
    assert len(waited) >= 8
    assert max(waited) <= 10.0


async def test_the_answers_to_several_people_go_out_in_turn() -> None:
    calls, held = Calls(Budget(SLACK, (time := Time()), time.sleep)), asyncio.Event()
    calls.ask("first", ANSWER, kind="post", person="greedy", call=held.wait)
    for n in range(60):
        calls.ask(f"greedy {n}", ANSWER, kind="post", person="greedy")
    await settle()
    for n in range(2):
        calls.ask(f"modest {n}", ANSWER, kind="post", person="modest")
    calls.ask("alert", ALERT, kind="post")
    calls.ask("third", ANSWER, kind="post", person="third")
    held.set()
    made = await calls.done()
    assert made[:7] == ["first", "greedy 0", "modest 0", "alert", "third", "greedy 1", "modest 1"]
    assert made[7:] == [f"greedy {n}" for n in range(2, 60)]


async def test_alerts_leave_room_for_whoever_asks() -> None:
    time = Time()
    budget, asked = Budget(SLACK, time, time.sleep), list[float]()
    calls = Calls(budget)
    for n in range(300):
        calls.ask(f"alert {n}", ALERT, f"room {n % 9}", "post")
    await settle()
    for n in range(5):
        begun = time.now
        async with budget.turn(f"room {n}", ANSWER, "post", "somebody"):
            asked.append(time.now - begun)
    assert max(asked) <= 3.0
    await calls.done()


async def test_slack_counts_posts_and_edits_apart() -> None:
    time = Time()
    budget = Budget(SLACK, time, time.sleep)
    for kind in ("post", "update", "ephemeral"):
        async with budget.turn("room", ANSWER, kind):
            pass
    assert time.now == 1000.0
    async with budget.turn("room", ANSWER, "post"):
        pass
    assert time.now == pytest.approx(1001.0, abs=0.01)


async def test_a_conversation_that_is_to_be_left_alone_delays_no_other_and_no_other_kind() -> None:
    time = Time()
    budget = Budget(SLACK, time, time.sleep)
    budget.hold("room", "post", 30.0)
    for conversation, kind in (("room", "update"), ("other", "post")):
        async with budget.turn(conversation, ANSWER, kind):
            assert time.now == 1000.0
    async with budget.turn("room", ANSWER, "post"):
        assert time.now == pytest.approx(1030.0, abs=0.01)
    budget.hold("room", "post", 1e9)
    assert budget.delay("room", ANSWER, "post") <= 300.0


async def test_who_waits_for_a_call_of_their_own_conversation_holds_up_nobody_elsewhere() -> None:
    calls, held = Calls(teams(Time())), asyncio.Event()
    calls.ask("under way", ANSWER, call=held.wait)
    await settle()
    calls.ask("behind it", ANSWER)
    calls.ask("elsewhere", ALERT, "another room")
    await settle()
    assert calls.made == ["under way", "elsewhere"]
    held.set()
    assert await calls.done() == ["under way", "elsewhere", "behind it"]


async def test_a_failed_call_counts_too() -> None:
    time = Time()
    budget = teams(time)
    for _ in range(8):
        with pytest.raises(OSError, match="no"):
            async with budget.turn("room", ANSWER, "call"):
                raise OSError("no")
    assert time.now == pytest.approx(1001.0, abs=0.01)


async def test_who_gives_up_leaves_the_turn_to_others() -> None:
    calls, held = Calls(teams(Time())), asyncio.Event()
    calls.ask("first", ANSWER, call=held.wait)
    calls.ask("second", ANSWER)
    calls.ask("third", ANSWER)
    await settle()
    for name in ("second", "first"):  # one that waits, and one that has its turn
        calls.tasks.pop(name).cancel()
    assert await calls.done() == ["first", "third"]


async def test_a_turn_that_comes_in_the_moment_of_giving_up_is_not_lost() -> None:
    calls, held = Calls(teams(Time())), asyncio.Event()
    calls.ask("first", ANSWER, call=held.wait)
    calls.ask("second", ANSWER)
    calls.ask("third", ANSWER)
    await settle()
    held.set()
    await calls.tasks["first"]
    calls.tasks.pop("second").cancel()
    async with asyncio.timeout(5):
        assert "third" in await calls.done()


async def test_idle_conversations_are_forgotten() -> None:
    time = Time()
    budget = teams(time)
    for room in range(2000):
        async with budget.turn(f"room {room}", ANSWER, "call"):
            pass
        time.now += 10
    assert len(budget._conversations) <= 600


async def test_nothing_is_sent_while_another_copy_may_have_taken_over() -> None:
    """It is asked when the turn has come, not when it was asked for; what nobody else can send is sent all the same."""
    time = Time()
    budget, may = teams(time), True
    budget.may = lambda: may
    async with budget.turn("room", Priority.ALERT, "call"):
        waiting = asyncio.create_task(_made(budget))
        await settle()
        may = False
    with pytest.raises(Undelivered, match="another replica may have taken over") as failed:
        await waiting
    assert (failed.value.why, failed.value.everywhere) == ("later", True)
    unfenced.set(True)
    assert await asyncio.create_task(_made(budget)) == "sent"


async def _made(budget: Budget) -> str:
    async with budget.turn("room", Priority.ANSWER, "call"):
        return "sent"
