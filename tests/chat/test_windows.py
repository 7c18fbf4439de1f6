"""Sliding windows of calls, to the call and to the second."""

from __future__ import annotations

import pytest

from bot.chat.budget import LONGEST_HOLD, Budget, Limits, Priority, Windows, _Counted


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_window_is_full_with_its_last_call_and_has_room_when_its_first_has_left() -> None:
    clock = Time()
    windows = Windows([(3, 10.0)], clock)
    for _ in range(3):
        assert windows.wait() <= 0
        windows.count()
        clock.now += 1
    assert windows.wait() == 7.0, "the first was at 100, now is 103"
    clock.now = 109.75
    assert windows.wait() == 0.25
    clock.now = 110.0
    assert windows.wait() == 0.0
    windows.count()
    assert windows.wait() == 1.0, "the second was at 101"


def test_the_fullest_of_several_windows_counts() -> None:
    clock = Time()
    windows = Windows([(1, 1.0), (3, 60.0)], clock)
    for _ in range(3):
        windows.count()
        clock.now += 1
    assert windows.wait() == 57.0


def test_a_share_of_a_window_is_at_least_one_call() -> None:
    clock = Time()
    windows = Windows([(5, 10.0)], clock)
    assert windows.wait(0.01) <= 0
    windows.count()
    assert (windows.wait(0.01), windows.wait(0.39)) == (10.0, 10.0)
    assert windows.wait(0.4) <= 0
    windows.count()
    assert windows.wait(0.4) == 10.0
    assert windows.wait(0.6) <= 0


def test_windows_without_limits_never_wait_and_are_empty_when_the_last_call_has_left() -> None:
    clock = Time()
    free = Windows([], clock)
    free.count()
    assert free.wait() <= 0
    windows = Windows([(1, 1.0), (3, 60.0)], clock)
    assert windows.empty()
    windows.count()
    clock.now += 60
    assert not windows.empty()
    clock.now += 0.5
    assert windows.empty()


@pytest.mark.parametrize(
    ("made", "answer", "alert", "live"),
    [
        ((Priority.ANSWER, 8), True, False, True),
        ((Priority.ALERT, 8), False, True, True),
        ((Priority.LIVE, 6), False, False, True),
        ((Priority.LIVE, 5), False, False, False),
        ((Priority.ANSWER, 7), False, False, True),
    ],
)
def test_which_calls_wait_after_which(made: tuple[Priority, int], answer: bool, alert: bool, live: bool) -> None:
    """Of ten a minute: answers and alerts have eight each, live edits go while six are not used."""
    counted = _Counted([(10, 60.0)], Time())
    for _ in range(made[1]):
        counted.count(made[0])
    waits = [counted.wait(each) > 0 for each in (Priority.ANSWER, Priority.ALERT, Priority.LIVE)]
    assert waits == [answer, alert, live]


@pytest.mark.parametrize(("asked", "held"), [(30.0, 30.0), (300.0, 300.0), (3600.0, 300.0)])
async def test_a_conversation_is_left_alone_for_so_long_and_five_minutes_at_most(asked: float, held: float) -> None:
    assert LONGEST_HOLD == 300.0
    clock = Time()
    budget = Budget({"call": Limits([], []), "edit": Limits([], [])}, clock)
    budget.hold("c", "call", asked)
    budget.hold("c", "call", 1.0)
    assert budget.delay("c", Priority.ANSWER, "call") == held
    assert budget.delay("c", Priority.ANSWER, "edit") <= 0
    assert budget.delay("d", Priority.ANSWER, "call") <= 0
