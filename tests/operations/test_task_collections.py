"""A collection is added whole whatever the service answers: each task once, and each refusal with its own error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.domain.task_input.model import NewTask
from bot.operations.task_collections import TRIES, Collections, Refused

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
BUSY = AzureError("ServerBusy", "busy", status=503, retry_after=7.0)
LOST = AzureError("NoConnection", "the connection broke off")


def tasks(count: int) -> list[NewTask]:
    return [NewTask(f"t{n}", "x", msgspec.json.encode({"id": f"t{n}", "commandLine": "x"}), n) for n in range(count)]


def error(code: str, **details: str) -> dict[str, Any]:
    values = [{"key": key, "value": value} for key, value in details.items()]
    return {
        "code": code,
        "message": {"lang": "en-US", "value": f"{code} it is.\nRequestId:1\nTime:2"},
        "values": values,
    }


class Service:
    """Adds what it is sent. ``before`` may raise, ``judge`` may refuse one task, ``after`` may lose the answer."""

    def __init__(self) -> None:
        self.there: Counter[str] = Counter()
        self.sizes: list[int] = []
        self.slept: list[float] = []
        self.before: Callable[[list[str]], None] = lambda ids: None
        self.judge: Callable[[str], dict[str, Any] | None] = lambda task: None
        self.after: Callable[[list[str]], None] = lambda ids: None

    async def send(self, body: bytes) -> Written:
        ids = [str(each["id"]) for each in msgspec.json.decode(body)["value"]]
        self.sizes.append(len(ids))
        self.before(ids)
        results = [self._one(task) for task in ids]
        self.after(ids)
        return Written(200, msgspec.json.encode({"value": results[::-1]}), NOW, "", "r", "", None)

    def _one(self, task: str) -> dict[str, Any]:
        if refused := self.judge(task):
            return refused | {"taskId": task}
        if self.there[task]:
            return {"status": "ClientError", "taskId": task, "error": error("TaskExists")}
        self.there[task] += 1
        return {"status": "success", "taskId": task.upper()}

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def add(self, count: int, *, sent: bool = False) -> list[Refused]:
        return await Collections(self.send, self.sleep).add(tasks(count), sent=sent)


def once(failure: Exception, times: int = 1) -> Callable[[list[str]], None]:
    """Raise so many times."""
    left = iter([failure] * times)

    def fail(ids: list[str]) -> None:
        if (found := next(left, None)) is not None:
            raise found

    return fail


async def test_all_are_added_by_one_request() -> None:
    service = Service()
    assert await service.add(100) == []
    assert (service.sizes, service.there.total()) == ([100], 100)


async def test_a_body_that_is_too_large_is_halved_until_it_fits() -> None:
    service = Service()

    def limit(ids: list[str]) -> None:
        if len(ids) > 30:
            raise AzureError("RequestBodyTooLarge", "too large", status=413)

    service.before = limit
    assert await service.add(100) == []
    assert service.sizes == [100, 50, 25, 25, 50, 25, 25]
    assert set(service.there.values()) == {1}


async def test_a_task_that_alone_is_too_large_is_refused_by_itself() -> None:
    service = Service()

    def limit(ids: list[str]) -> None:
        if "t7" in ids:
            raise AzureError("RequestBodyTooLarge", "too large", status=413)

    service.before = limit
    assert await service.add(100) == [Refused("t7", "RequestBodyTooLarge", "too large")]
    assert service.there.total() == 99


async def test_one_malformed_task_does_not_keep_the_others() -> None:
    service = Service()

    def malformed(ids: list[str]) -> None:
        if bad := {"t3", "t64"} & set(ids):
            raise AzureError("InvalidRequestBody", "malformed", status=400, values={"Reason": f"{len(bad)} bad"})

    service.before = malformed
    refused = await service.add(100)
    assert refused == [Refused(task, "InvalidRequestBody", "malformed Reason: 1 bad") for task in ("t3", "t64")]
    assert service.there.total() == 98


async def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_added_twice() -> None:
    service = Service()
    service.after = once(LOST, 3)
    assert await service.add(100) == []
    assert (service.sizes, set(service.there.values())) == ([100] * 4, {1})
    assert service.slept == [1.0, 2.0, 4.0]


async def test_what_is_there_at_the_first_attempt_is_a_conflict() -> None:
    service = Service()
    service.there["t5"] = 1
    assert await service.add(10) == [Refused("t5", "TaskExists", "TaskExists it is.")]
    assert await service.add(10, sent=True) == []


async def test_a_busy_service_is_waited_for_and_makes_no_doubt() -> None:
    service = Service()
    service.there["t5"] = 1
    service.before = once(BUSY, 2)
    assert [each.id for each in await service.add(10)] == ["t5"], "nothing was sent, so it is another's"
    assert service.slept == [7.0, 7.0]


async def test_tasks_that_the_service_failed_at_are_sent_again_alone() -> None:
    service = Service()
    left = {"t1": 2, "t2": TRIES}

    def judge(task: str) -> dict[str, Any] | None:
        if left.get(task):
            left[task] -= 1
            return {"status": "ServerError", "error": error("InternalError", Reason="disk")}
        return None

    service.judge = judge
    assert await service.add(10) == [Refused("t2", "InternalError", "InternalError it is. Reason: disk")]
    assert service.sizes == [10, 2, 2, *[1] * (TRIES - 3)]


async def test_a_task_that_the_answer_leaves_out_is_sent_again() -> None:
    service = Service()
    send, dropped = service.send, iter([True])

    async def cut(body: bytes) -> Written:
        written = await send(body)
        if next(dropped, False):
            value = msgspec.json.decode(written.body)["value"][:4]
            written = written._replace(body=msgspec.json.encode({"value": value}))
        return written

    service.send = cut  # type: ignore[method-assign]
    assert await service.add(10) == []
    assert (service.sizes, set(service.there.values())) == ([10, 6], {1})


@pytest.mark.parametrize("code", ["JobCompleted", "JobNotFound", "InsufficientAccountPermissions"])
async def test_what_concerns_every_task_is_raised(code: str) -> None:
    service = Service()
    service.before = once(AzureError(code, "no", status={"JobNotFound": 404, "JobCompleted": 409}.get(code, 403)))
    with pytest.raises(AzureError, match=code):
        await service.add(10)
    assert service.sizes == [10]


async def test_a_service_that_stays_away_is_given_up() -> None:
    service = Service()
    service.before = once(LOST, 100)
    with pytest.raises(AzureError, match="NoConnection"):
        await service.add(10)
    assert len(service.sizes) == TRIES


@given(st.lists(st.sampled_from(["fine", "lost", "busy", "large", "cut"]), max_size=TRIES - 1), st.integers(1, 100))
async def test_whatever_happens_each_is_there_once(answers: list[str], count: int) -> None:
    service = Service()
    left = iter(answers)

    def before(ids: list[str]) -> None:
        match next(left, ""):
            case "busy":
                raise BUSY
            case "large" if len(ids) > 1:
                raise AzureError("RequestBodyTooLarge", "too large", status=413)
            case "lost":
                service.after = once(LOST)

    service.before = before
    assert await service.add(count) == []
    assert service.there == Counter(f"t{n}" for n in range(count))
