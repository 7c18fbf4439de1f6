"""The durable steps of a workflow, whatever Azure answers and wherever the program dies."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.operations.run import Status
from bot.operations.workflow import Failure, Lost, Unknown
from cards.card import Mark
from storage.sqlite.store import SqliteStore
from tests.operations.durable import NOON, Answer, Killed, Service, Stage, names, refusal, written

PLACE = "https://arm/results/1?t=signed"
TIMED_OUT = refusal("OperationTimedOut", 500)
BUSY = refusal("ServerBusy", 503, 7)
THROTTLED = refusal("SubscriptionRequestsThrottled", 429)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = SqliteStore.open(tmp_path / "t.db")
    made = Stage(store)
    await made.begin()
    yield made
    await store.close()


# --- once -------------------------------------------------------------------------------------------------------------


async def test_what_is_computed_once_is_the_same_after_a_crash(stage: Stage) -> None:
    computed = iter([["a", "b"], ["c"]])

    async def compute() -> list[str]:
        return next(computed)

    assert await (await stage.run()).once("nodes", list[str], compute) == ["a", "b"]
    assert await (await stage.run()).once("nodes", list[str], compute) == ["a", "b"]


@pytest.mark.parametrize("odd", [b"[1", b"7", b'{"state": "no such state", "location": 7}'])
async def test_what_was_noted_and_cannot_be_read_ends_it_in_words(stage: Stage, odd: bytes) -> None:
    service = Service()

    async def compute() -> list[str]:
        return ["a"]

    await (await stage.run()).once("nodes", list[str], compute)
    await (await stage.run()).write("w", "Do it", service.send)
    db = stage.store
    await db._run(lambda: db._db.execute("UPDATE operation_steps SET result = ?", [odd]).rowcount)
    with pytest.raises(Failure, match="cannot be read"):
        await (await stage.run()).once("nodes", list[str], compute)
    with pytest.raises(Failure, match="cannot be read"):
        await (await stage.run()).write("w", "Do it", service.send)
    assert service.sent == 1, "and nothing is sent again"


# --- write ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "sent", "slept"),
    [
        ((), 1, []),
        (("lost after",), 1, [2]),
        (("lost before",), 2, [2]),
        (("lost before", "lost before", "lost after"), 3, [2, 4, 6]),
        ((TIMED_OUT,), 2, [2]),
        ((refusal("InternalError", 500), "lost after"), 2, [2, 4]),
        ((refusal("BadGateway", 502),), 2, [2]),
        ((BUSY,), 2, [7]),
        ((THROTTLED, THROTTLED, THROTTLED), 4, [5, 10, 15]),
        ((refusal("PoolBeingResized"), refusal("poolbeingresized")), 3, [5, 10]),
        ((BUSY, "lost before", BUSY, "lost after"), 4, [7, 2, 7, 4]),
    ],
)
async def test_a_write_is_done_exactly_once(
    stage: Stage, answers: tuple[Answer, ...], sent: int, slept: list[float]
) -> None:
    service = Service(*answers)
    run = await stage.run()
    await run.write("w", "Do it", service.send, landed=service.landed, wait_for=["PoolBeingResized"])
    assert (service.did, service.sent, stage.clock.slept) == (1, sent, slept)
    assert await stage.steps() == {"w": "done"}
    assert stage.view.steps["w"].mark is Mark.DONE
    assert stage.view.steps["w"].detail == ""
    again = await stage.run()
    await again.write("w", "Do it", service.send, landed=service.landed)
    assert service.sent == sent, "after a restart it is not sent again"


async def test_where_a_long_write_is_asked_about_outlives_a_crash(stage: Stage) -> None:
    service = Service()
    first, second = await stage.run(), await stage.run()
    assert await first.write("w", "Do it", service.send) == PLACE
    second = await stage.run()
    assert await second.write("w", "Do it", service.send) == PLACE
    assert second.requests == first.requests == ["request-1"], "and so do Azure's ids of the requests"


@pytest.mark.parametrize(("death", "sent"), [("killed before", 2), ("killed after", 1)])
async def test_a_write_that_was_sent_when_the_program_died_is_looked_for(
    stage: Stage, death: Answer, sent: int
) -> None:
    service = Service(death)
    with pytest.raises(Killed):
        await (await stage.run()).write("w", "Do it", service.send, landed=service.landed)
    assert await stage.steps() == {"w": "sent"}
    assert await (await stage.run()).write("w", "Do it", service.send, landed=service.landed) in ("", PLACE)
    assert (service.did, service.sent) == (1, sent)


async def test_a_write_is_given_up_where_it_never_takes_effect(stage: Stage) -> None:
    service = Service(*(TIMED_OUT for _ in range(9)))
    with pytest.raises(
        Failure, match="answered OperationTimedOut 6 times, and nothing shows that it took effect"
    ) as raised:
        await (await stage.run()).write("w", "Do it", service.send, landed=service.landed)
    assert not isinstance(raised.value, Unknown)
    assert service.sent == 6


async def test_what_azure_is_too_busy_for_is_given_up_after_five_minutes(stage: Stage) -> None:
    service = Service(*(THROTTLED for _ in range(99)))
    with pytest.raises(Failure, match="answered SubscriptionRequestsThrottled for too long"):
        await (await stage.run()).write("w", "Do it", service.send, landed=service.landed)
    assert timedelta(minutes=4) < stage.clock.now() - NOON <= timedelta(minutes=5)
    assert await stage.steps() == {"w": "failed"}, "it was refused, so nothing is doubtful"
    service = Service(refusal("ServerBusy", 503, 4000))
    with pytest.raises(Failure, match="ServerBusy"):
        await (await stage.run()).write("w", "Do it", service.send, landed=service.landed)
    assert stage.clock.now() - NOON <= timedelta(minutes=5), "an hour is not waited for"


async def test_a_refusal_can_mean_that_it_is_so_already(stage: Stage) -> None:
    service = Service(refusal("NodeAlreadyInTargetSchedulingState"))
    assert (
        await (await stage.run()).write("w", "Do it", service.send, done_if=["nodealreadyintargetschedulingstate"])
        == ""
    )
    assert await stage.steps() == {"w": "done"}


async def test_a_refusal_is_the_same_after_a_crash(stage: Stage) -> None:
    refused = AzureError("InvalidPropertyValue", "It is wrong.", status=400, values={"Reason": "x"}, request_id="r")
    service = Service(refused)
    for _ in range(3):
        run = await stage.run()
        with pytest.raises(AzureError, match="InvalidPropertyValue: It is wrong") as raised:
            await run.write("w", "Do it", service.send, landed=service.landed)
        assert (raised.value.status, raised.value.values, raised.value.request_id) == (400, {"Reason": "x"}, "r")
        assert (stage.view.steps["w"].mark, stage.view.steps["w"].detail) == (Mark.FAILED, "InvalidPropertyValue")
    assert (service.sent, service.looked) == (1, 0)


async def test_an_identity_that_cannot_be_used_is_no_doubt(stage: Stage) -> None:
    service = Service(AzureError("NoToken", "no identity is at hand"))
    with pytest.raises(AzureError, match="NoToken"):
        await (await stage.run()).write("w", "Do it", service.send)
    assert await stage.steps() == {"w": "failed"}


@pytest.mark.parametrize("refused", [refusal("ConditionNotMet", 412), refusal("PoolExists")])
async def test_a_second_attempt_is_refused_because_of_the_first(stage: Stage, refused: AzureError) -> None:
    service = Service("lost after", refused)
    service.late = 1
    await (await stage.run()).write("w", "Do it", service.send, landed=service.landed)
    assert (service.did, service.sent) == (1, 2)
    fresh = Service(refused)
    fresh.did = 1
    with pytest.raises(AzureError):  # there before us
        await (await stage.run()).write("w2", "Do it", fresh.send, landed=fresh.landed)


async def test_without_a_look_an_answer_that_was_lost_is_not_known(stage: Stage) -> None:
    service = Service("lost after")
    with pytest.raises(Unknown, match="Do it: it was sent, and its answer was lost"):
        await (await stage.run()).write("w", "Do it", service.send)
    with pytest.raises(Unknown):
        await (await stage.run()).write("w", "Do it", service.send)
    assert service.sent == 1

    async def cannot_tell() -> None:
        return None

    service = Service("lost before")
    with pytest.raises(Unknown):
        await (await stage.run()).write("v", "Do it", service.send, landed=cannot_tell)
    assert service.sent == 1


async def test_what_may_be_sent_twice_is_sent_until_it_is_answered(stage: Stage) -> None:
    service = Service("lost after", "killed after")
    with pytest.raises(Killed):
        await (await stage.run()).write("w", "Do it", service.send, repeatable=True)
    await (await stage.run()).write("w", "Do it", service.send, repeatable=True)
    assert service.sent == 3
    never = Service(*("lost before" for _ in range(9)))  # type: ignore[arg-type]
    with pytest.raises(Unknown, match="may or may not"):
        await (await stage.run()).write("v", "Do it", never.send, repeatable=True)


async def test_where_a_look_is_not_answered_the_workflow_is_run_anew(stage: Stage) -> None:
    service = Service("lost after")
    service.out = AzureError("NoConnection", "no connection")
    for _ in range(2):
        with pytest.raises(AzureError, match="NoConnection"):
            await (await stage.run()).write("w", "Do it", service.send, landed=service.landed)
        assert await stage.steps() == {"w": "sent"}
    service.out = None
    await (await stage.run()).write("w", "Do it", service.send, landed=service.landed)
    assert (service.did, service.sent) == (1, 1)


async def test_two_writes_of_one_name_are_a_mistake(stage: Stage) -> None:
    run = await stage.run()
    await run.write("w", "Do it", Service().send)
    with pytest.raises(ValueError, match="'work' has two steps of the name 'w'"):
        await run.write("w", "Do it again", Service().send)


async def test_nothing_is_sent_once_another_instance_holds_it(stage: Stage) -> None:
    run = await stage.run()
    await stage.lose()
    service = Service()
    with pytest.raises(Lost):
        await run.write("w", "Do it", service.send)
    assert service.sent == 0


@settings(max_examples=settings.default.max_examples // 4)
@given(
    st.lists(
        st.sampled_from(["lost after", "lost before", "killed after", "killed before", TIMED_OUT, BUSY, THROTTLED]),
        max_size=12,
    ),
    st.integers(0, 2),
)
async def test_whatever_happens_it_is_done_once_or_not_at_all(answers: list[Answer], late: int) -> None:
    """``late`` looks do not see yet what was done: the second attempt is refused then, as where an ETag is given."""
    service = Service(*answers)
    service.late = late
    send = service.send

    async def guarded() -> Written:
        if service.did:
            service.sent += 1
            raise refusal("ConditionNotMet", 412)
        return await send()

    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore.open(Path(folder) / "t.db")
        stage = Stage(store)
        await stage.begin()
        for _ in range(len(answers) + 1):
            try:
                await (await stage.run()).write("w", "Do it", guarded, landed=service.landed)
            except Killed:
                continue
            except Failure as failure:
                assert not isinstance(failure, Unknown)
                assert service.did == 0 or late
            except AzureError as error:
                assert error.code == "ConditionNotMet"
                assert late > 1, "seen too late by two looks"
            else:
                assert service.did == 1
            break
        assert service.did <= 1
        await store.close()


# --- until ------------------------------------------------------------------------------------------------------------


class Nodes:
    """How many of four nodes have arrived: one more with each look; what is not a number is raised."""

    def __init__(self, *looks: int | AzureError) -> None:
        self.looks = list(looks)
        self.times = 0

    async def check(self) -> Status:
        self.times += 1
        look = self.looks.pop(0)
        if isinstance(look, AzureError):
            raise look
        return Status(look == 4, f"{look} of 4", look, 4)


async def test_what_is_waited_for_is_asked_until_it_is_over(stage: Stage) -> None:
    nodes = Nodes(0, 2, 4)
    assert await (await stage.run()).until("n", "Wait", nodes.check) == Status(True, "4 of 4", 4, 4)
    assert stage.clock.slept == [5, 5]
    assert (stage.view.steps["n"].mark, stage.view.steps["n"].detail) == (Mark.DONE, "4 of 4")
    assert stage.view.progress is None


async def test_an_end_that_was_found_is_not_waited_for_again(stage: Stage) -> None:
    """Things have moved on since: the chain to 0 nodes and back would wait for ever."""
    await (await stage.run()).until("n", "Wait", Nodes(4).check)
    later = Nodes(0)
    assert (await (await stage.run()).until("n", "Wait", later.check)).over
    assert later.times == 0


async def test_one_that_was_not_over_is_asked_again_after_a_crash(stage: Stage) -> None:
    with pytest.raises(IndexError):
        await (await stage.run()).until("n", "Wait", Nodes(1).check)
    assert (await (await stage.run()).until("n", "Wait", Nodes(3, 4).check)).over


async def test_the_same_wait_twice_is_two_waits(stage: Stage) -> None:
    for _ in range(2):
        run, second = await stage.run(), Nodes(1, 4)
        await run.until("n", "Wait", Nodes(4).check)
        await run.until("n", "Wait", second.check)
    assert second.times == 0, "and each is known again"


async def test_while_azure_does_not_answer_it_is_asked_again(stage: Stage) -> None:
    out = [AzureError("NoConnection", ""), refusal("InternalError", 500), refusal("ServerBusy", 503, 60)]
    nodes = Nodes(1, *out * 20, 4)
    assert (await (await stage.run()).until("n", "Wait", nodes.check)).over
    assert stage.clock.slept[:4] == [5, 5, 5, 60]
    with pytest.raises(AzureError, match="PoolNotFound"):
        await (await stage.run()).until("m", "Wait", Nodes(1, refusal("PoolNotFound", 404)).check)


async def test_waiting_ends_and_a_crash_does_not_prolong_it(stage: Stage) -> None:
    longest = timedelta(minutes=1)
    with pytest.raises(IndexError):
        await (await stage.run()).until("n", "Wait", Nodes(*[1] * 10).check, longest=longest)
    with pytest.raises(Failure, match="Wait: not over after 0:01:00"):
        await (await stage.run()).until("n", "Wait", Nodes(*[1] * 10).check, longest=longest)
    assert stage.clock.now() == NOON + longest


async def test_when_it_should_be_over_is_said_once_that_can_be_said(stage: Stage) -> None:
    seen = []

    class Watched(Nodes):
        async def check(self) -> Status:
            seen.append(stage.view.eta)
            return await super().check()

    await (await stage.run()).until("n", "Wait", Watched(0, 1, 1, 2, 3, 4).check, every=20)
    assert seen == [None, None, None, *(NOON + timedelta(seconds=each) for each in (180, 120, 120))]
    assert stage.view.eta is None


# --- each -------------------------------------------------------------------------------------------------------------


class Fleet:
    """A service of many things."""

    def __init__(self, answers: dict[str, list[Answer]] | None = None) -> None:
        self._answers = answers or {}
        self.services: dict[str, Service] = {}

    def of(self, item: str) -> Service:
        return self.services.setdefault(item, Service(*self._answers.get(item, [])))

    async def send(self, item: str) -> Written:
        return await self.of(item).send()

    async def landed(self, item: str) -> bool:
        return await self.of(item).landed()

    @property
    def did(self) -> dict[str, int]:
        return {item: service.did for item, service in self.services.items()}


async def test_what_is_refused_for_one_does_not_keep_the_others(stage: Stage) -> None:
    fleet = Fleet({"n3": [refusal("NodeStateUnusable")], "n5": [THROTTLED], "n7": ["lost after"]})
    results = await (await stage.run()).each("e", "Reboot", names(20), fleet.send, landed=fleet.landed)
    assert [each.item for each in results] == names(20)
    assert {each.item: each.error for each in results if each.error} == {
        "n3": "NodeStateUnusable: NodeStateUnusable it is."
    }
    assert sum(fleet.did.values()) == 19
    assert max(fleet.did.values()) == 1
    shown = stage.view.steps["e"]
    assert (shown.mark, shown.detail) == (Mark.WARNING, "20 of 20, 1 refused")
    assert list(stage.view.steps) == ["e"], "no line for every item"
    again = await (await stage.run()).each("e", "Reboot", names(20), fleet.send, landed=fleet.landed)
    assert again == results
    assert fleet.of("n3").sent == 1, "nor is what was refused sent again"


async def test_an_item_whose_answer_was_lost_may_stay_unknown(stage: Stage) -> None:
    fleet = Fleet({"n1": ["lost after"], "n2": [TIMED_OUT] * 9})
    results = await (await stage.run()).each("e", "Reboot", names(3), fleet.send)
    assert [each.error for each in results] == ["", *["may or may not have taken effect"] * 2]


@pytest.mark.parametrize("death", ["killed before", "killed after"])
@pytest.mark.parametrize("at_once", [1, 4])
async def test_killed_in_the_middle_the_rest_is_done_and_nothing_twice(
    stage: Stage, death: Answer, at_once: int
) -> None:
    fleet = Fleet({f"n{number}": [death] for number in (0, 7, 11, 12)})
    for _ in range(9):
        try:
            run = await stage.run()
            results = await run.each("e", "Reboot", names(20), fleet.send, landed=fleet.landed, at_once=at_once)
        except Killed:
            continue
        break
    assert not any(each.error for each in results)
    assert fleet.did == dict.fromkeys(names(20), 1)


async def test_stopped_between_two_items(stage: Stage) -> None:
    fleet = Fleet({"n4": ["killed after"]})
    run = await stage.run()

    async def send(item: str) -> Written:
        assert stage.view.stoppable
        if item == "n2":
            run.stopping = True
        return await fleet.send(item)

    results = await run.each("e", "Reboot", names(6), send, at_once=1)
    assert [each.error for each in results] == ["", "", "", *["not begun: stopped"] * 3]
    assert not stage.view.stoppable


async def test_stopped_while_the_program_was_down_what_was_sent_is_still_looked_for(stage: Stage) -> None:
    fleet = Fleet({"n2": ["killed after"]})
    with pytest.raises(Killed):
        await (await stage.run()).each("e", "Reboot", names(6), fleet.send, landed=fleet.landed, at_once=1)
    run = await stage.run(stopping=True)
    results = await run.each("e", "Reboot", names(6), fleet.send, landed=fleet.landed)
    assert [each.error for each in results] == ["", "", "", *["not begun: stopped"] * 3]


async def test_lost_in_the_middle_nothing_more_is_sent(stage: Stage) -> None:
    fleet = Fleet()

    async def send(item: str) -> Written:
        if item == "n3":
            await stage.lose()
        return await fleet.send(item)

    with pytest.raises(Lost):
        await (await stage.run()).each("e", "Reboot", names(20), send)
    assert len(fleet.services) < 8


async def test_where_a_look_is_not_answered_the_others_are_gone_on_with(stage: Stage) -> None:
    fleet = Fleet({"n1": ["lost after"]})
    fleet.of("n1").out = AzureError("NoConnection", "no connection")
    with pytest.raises(AzureError, match="NoConnection"):
        await (await stage.run()).each("e", "Reboot", names(6), fleet.send, landed=fleet.landed, at_once=2)
    fleet.of("n1").out = None
    results = await (await stage.run()).each("e", "Reboot", names(6), fleet.send, landed=fleet.landed, at_once=2)
    assert not any(each.error for each in results)
    assert fleet.did == dict.fromkeys(names(6), 1)


async def test_nothing_to_do(stage: Stage) -> None:
    assert await (await stage.run()).each("e", "Reboot", [], lambda _: _never()) == []


async def _never() -> Written:
    return written()
