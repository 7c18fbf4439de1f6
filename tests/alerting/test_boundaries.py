"""Where one more or one less, a second sooner or later, makes another message; and what a restart must not forget."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerting.grouping import Grouping
from bot.alerting.model import Notification
from bot.settings import AlertSettings
from tests.alerting.alert_room import NOON, Room, finding, room, title, words

GROUP = ("slack:C0OPS", "render")
SECOND = timedelta(seconds=1)
SETTINGS = AlertSettings(group_wait=30, group_interval=300, repeat=14_400)


async def flip(ops: Room, times: int, *, every: float = 60) -> None:
    """Open, and so often over and back."""
    ops.found["node.unusable"] = [finding("a")]
    await ops.look()
    for _ in range(times):
        ops.found["node.unusable"] = []
        await ops.look(every)
        ops.found["node.unusable"] = [finding("a")]
        await ops.look(every)


@pytest.mark.parametrize(("times", "flaps"), [(2, False), (3, True)])
async def test_what_is_back_three_times_within_an_hour_flaps(tmp_path: Path, times: int, flaps: bool) -> None:
    async with room(tmp_path) as ops:
        await flip(ops, times)
        assert ("flapping" in ops.entries.titles()[0]) is flaps


@pytest.mark.parametrize(("every", "flaps"), [(900, True), (901, False)])
async def test_only_what_is_back_within_the_hour_counts(tmp_path: Path, every: float, flaps: bool) -> None:
    """The first and the third time back are four of these apart: an hour to the second, or more."""
    async with room(tmp_path) as ops:
        await flip(ops, 3, every=every)
        assert ("flapping" in ops.entries.titles()[0]) is flaps


@pytest.mark.parametrize(("seconds", "over"), [(599, False), (600, True)])
async def test_what_flaps_is_over_after_ten_minutes_without_it(tmp_path: Path, seconds: float, over: bool) -> None:
    async with room(tmp_path) as ops:
        await flip(ops, 3)
        ops.found["node.unusable"] = []
        await ops.look(60)
        await ops.look(seconds)
        assert ops.entries.titles()[0].startswith("✔") is over


@pytest.mark.parametrize(("seconds", "stays"), [(600, False), (601, True)])
async def test_what_flaps_and_stays_for_more_than_ten_minutes_flaps_no_longer(
    tmp_path: Path, seconds: float, stays: bool
) -> None:
    async with room(tmp_path) as ops:
        await flip(ops, 3)
        await ops.look(seconds)
        assert ("flapping" not in ops.entries.titles()[0]) is stays


@pytest.mark.parametrize(("seconds", "messages"), [(1800, 1), (1801, 2)])
async def test_what_comes_back_within_half_an_hour_is_the_same(tmp_path: Path, seconds: float, messages: int) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        ops.found["node.unusable"] = []
        await ops.look(60)
        ops.found["node.unusable"] = [finding("a")]
        await ops.look(seconds)
        assert len(ops.entries.on_top()) == messages


@pytest.mark.parametrize(("number", "titles"), [(3, 3), (4, 1)])
async def test_three_at_once_come_alone_and_four_as_a_digest(tmp_path: Path, number: int, titles: int) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{each}") for each in range(number)]
        await ops.look()
        assert len(ops.entries.titles()) == titles
        assert ("4 alerts" in ops.entries.titles()[0]) is (titles == 1)


@pytest.mark.parametrize(("waiting", "how"), [(4, "alone"), (5, "digest")])
def test_with_five_on_their_way_what_is_new_goes_into_a_digest(waiting: int, how: str) -> None:
    grouping = Grouping(SETTINGS)
    first = grouping.group(GROUP, 1, waiting, NOON)
    assert (first.how, first.begins) == (how, how == "digest")


def test_a_group_gathers_for_its_wait_and_then_for_its_interval() -> None:
    grouping = Grouping(SETTINGS)
    assert grouping.group(GROUP, 1, 0, NOON).how == "alone"
    assert grouping.next_due() == NOON + timedelta(seconds=30)
    assert grouping.group(GROUP, 1, 0, NOON + 29 * SECOND) == ("wait", "", False, NOON + 30 * SECOND)
    assert grouping.ripe(NOON + 29 * SECOND) == []
    assert grouping.ripe(NOON + 30 * SECOND) == [GROUP]
    assert grouping.group(GROUP, 1, 0, NOON + 30 * SECOND).how == "alone"
    assert grouping.next_due() == NOON + timedelta(seconds=330)
    grouping.calm(GROUP, NOON + 329 * SECOND)
    assert grouping.next_due() is not None
    grouping.calm(GROUP, NOON + 330 * SECOND)
    assert grouping.next_due() is None


def test_a_digest_takes_in_more_while_it_is_young_or_on_its_way() -> None:
    grouping = Grouping(SETTINGS)
    first = grouping.group(GROUP, 4, 0, NOON)
    assert (first.how, first.begins) == ("digest", True)
    young = grouping.group(GROUP, 4, 0, NOON + 14_399 * SECOND)
    assert (young.how, young.entry, young.begins) == ("digest", first.entry, False)
    on_its_way = grouping.group(GROUP, 4, 1, NOON + 16_000 * SECOND)
    assert (on_its_way.entry, on_its_way.begins) == (first.entry, False)
    later = grouping.group(GROUP, 4, 0, NOON + 20_000 * SECOND)
    assert (later.entry != first.entry, later.begins) == (True, True)


def posted(seconds: float, entry: str, *, gathered: bool = False, held: str = "") -> Notification:
    at = NOON + timedelta(seconds=seconds)
    return Notification(
        incident=entry, conversation=GROUP[0], why="", since=at, entry=entry, shown=at, gathered=gathered, held=held
    )  # type: ignore[arg-type]


def test_a_restart_goes_on_gathering_where_something_was_posted_just_before() -> None:
    grouping = Grouping(SETTINGS)
    assert grouping.restore(posted(0, "a"), GROUP)
    assert not grouping.restore(posted(-10, "older"), GROUP), "the newest counts, in whatever order they come"
    assert not grouping.restore(posted(0, "b"), GROUP)
    assert grouping.restore(posted(5, "c"), GROUP)
    assert grouping.next_due() == NOON + timedelta(seconds=35)
    assert grouping.group(GROUP, 1, 0, NOON + 34 * SECOND).how == "wait"
    assert grouping.group(GROUP, 1, 0, NOON + 35 * SECOND).how == "alone"


def test_a_restart_finds_the_digest_that_takes_in_more() -> None:
    grouping = Grouping(SETTINGS)
    grouping.restore(posted(0, "digest-1", gathered=True), GROUP)
    grouping.restore(posted(9, "digest-2", gathered=True), GROUP)
    grouping.restore(posted(3, "digest-older", gathered=True), GROUP)
    grouping.restore(posted(15, "digest-older", gathered=True), GROUP)  # which had joined it later
    grouping.restore(posted(20, "digest-of-the-night", gathered=True, held="quiet"), GROUP)
    grouping.restore(posted(30, "alone"), GROUP)
    assert grouping.group(GROUP, 4, 0, NOON + 60 * SECOND) == ("digest", "digest-2", False, None)
    assert grouping.group(GROUP, 4, 0, NOON + 14_409 * SECOND).begins, "its age is that of the first that it shows"


def test_what_was_never_posted_is_nothing_to_take_up() -> None:
    grouping = Grouping(SETTINGS)
    waits = Notification(incident="a", conversation=GROUP[0], why="", since=NOON)
    assert not grouping.restore(waits, GROUP)
    assert grouping.next_due() is None


async def test_what_follows_a_restart_is_gathered_with_what_came_before_it(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        await ops.restart()
        ops.found["node.unusable"] += [finding("b"), finding("c")]
        await ops.look(10)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]
        assert "2 more held back until 12:00" in words(ops.entries.on_top()[0]), "it says so where it said so before"
        await ops.wait(21)
        assert len(ops.entries.on_top()) == 3


async def test_a_digest_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{each}") for each in range(5)]
        await ops.look()
        await ops.restart()
        ops.found["node.unusable"] += [finding(f"more-{each}") for each in range(5)]
        await ops.look(400)
        assert [title(each) for each in ops.entries.on_top()] == ["▲ 10 alerts: 10 × node.unusable"]
