"""One operation on its way, as its workflow sees it: durable steps, as :mod:`bot.operations.workflow` says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec
import structlog

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.clock import Clock
from bot.operations.workflow import Failure, Lost, StepView, Stopped, Unknown, View
from cards.card import Mark, Progress
from storage.port.operations import OperationRow, StepRow, StepState
from storage.port.uploads import Upload

log = structlog.get_logger()

T = TypeVar("T")
Check: TypeAlias = Callable[[], Awaitable[bool | None]]
"""Whether a write took effect: yes, no, or None where that cannot be known."""

_TRIES = 6
"""How often a write that Azure was too busy for is sent."""
_PATIENCE = timedelta(minutes=5)
"""How long a refusal that passes by itself is waited out."""
_UNSURE = frozenset({"operationtimedout", "timeout", "noconnection", "internalerror", "internalservererror"})
"""Codes after which a write may have been done all the same ("Batch status and error codes")."""


class Status(NamedTuple):
    """What :meth:`Run.until` found: whether that is the end, and how far it is, in words and as a share."""

    over: bool
    detail: str = ""
    done: float = 0
    total: float = 0


class Steps(Protocol):
    """What is needed of :class:`storage.port.store.Store`."""

    async def note_steps(self, holder: str, steps: Sequence[StepRow]) -> bool:
        """Store steps of one operation; False where another holds it by now."""
        ...

    async def upload(self, id_: str, now: datetime) -> Upload | None:
        """What somebody attached or pasted; None where there is none, or it has expired."""
        ...


class Result(NamedTuple):
    """What became of one item of :meth:`Run.each`: ``error`` is empty where it was done."""

    item: str
    error: str = ""


class Run:
    """One operation on its way, as its workflow sees it."""

    def __init__(
        self,
        row: OperationRow,
        account: Account,
        writer: Writer,
        steps: Sequence[StepRow],
        store: Steps,
        holder: str,
        clock: Clock,
        view: View,
        changed: Callable[[], None],
    ) -> None:
        self.row = row
        self.account = account
        self.writer = writer
        self.clock = clock
        self.view = view
        self.stopping = row.stopping
        self.requests: list[str] = []
        """Azure's ids of the requests that changed something, for the audit trail."""
        self._known = {step.name: step for step in steps}
        self._store = store
        self._holder = holder
        self._changed = changed

    async def once(self, name: str, kind: type[T], compute: Callable[[], Awaitable[T]]) -> T:
        """A value that is computed once and the same ever after: what was there before, which nodes are meant."""
        step = self._known.get(name)
        if step and step.state == "done":
            return msgspec.json.decode(step.result, type=kind)
        value = await compute()
        await self._note(name, "done", msgspec.json.encode(value))
        return value

    async def write(
        self,
        name: str,
        title: str,
        send: Callable[[], Awaitable[Written]],
        *,
        landed: Check | None = None,
        repeatable: bool = False,
        done_if: Sequence[str] = (),
        wait_for: Sequence[str] = (),
    ) -> str:
        """Send one write, at most once as far as Azure can tell; returns its Location, empty where there is none.

        ``landed`` finds out whether a write whose end is not known took effect; ``repeatable`` says that sending it
        twice is as good as once. With neither, such a write ends the operation as unknown. ``done_if`` are codes of
        refusals that mean that it is as wanted already, ``wait_for`` codes of refusals that pass by themselves.
        Raises AzureError for other refusals, and Unknown.
        """
        shown = self.view.steps.setdefault(name, StepView(title))
        step = self._known.get(name)
        if step and step.state == "done":
            shown.mark = Mark.DONE
            return msgspec.json.decode(step.result, type=str)
        if step and step.state == "sent" and await self._landed(name, title, landed, repeatable):
            return await self._wrote(name, shown, "")
        until = self.clock.now() + _PATIENCE
        for tries in range(1, _TRIES + 1):
            await self._note(name, "sent")
            self._changed()
            try:
                written = await send()
            except AzureError as error:
                code = error.code.lower()
                if code in map(str.lower, done_if):
                    return await self._wrote(name, shown, "")
                waits = code in map(str.lower, wait_for) and self.clock.now() < until
                if waits or (error.throttled and tries < _TRIES):
                    shown.detail = "Azure is busy with it; trying again" if waits else "Azure asked to wait"
                    self._changed()
                    await self._note(name, "failed")  # refused, so nothing has happened
                    await self.clock.sleep(error.retry_after or 5.0 * tries)
                elif code in _UNSURE or error.status >= 500 or error.status == 0:
                    if await self._landed(name, title, landed, repeatable):
                        return await self._wrote(name, shown, "")
                    if tries == _TRIES:
                        raise
                    await self.clock.sleep(2.0 * tries)
                else:
                    shown.mark, shown.detail = Mark.FAILED, error.code
                    await self._note(name, "failed", f"{error.code}: {error.message}".encode())
                    raise
            else:
                if written.request_id:
                    self.requests.append(written.request_id)
                return await self._wrote(name, shown, written.location)
        raise Failure(f"{title}: Azure stayed busy. Try again later.")

    async def until(
        self,
        name: str,
        title: str,
        check: Callable[[], Awaitable[Status]],
        *,
        every: float = 5.0,
        longest: timedelta = timedelta(hours=2),
    ) -> Status:
        """Wait until ``check`` finds the end, asking it every so many seconds; the card shows what it finds.

        A check that Azure refuses for a moment is asked again. Raises Failure after ``longest``.
        """
        shown = self.view.steps.setdefault(name, StepView(title))
        deadline = self.clock.now() + longest
        failures = 0
        while True:
            try:
                status = await check()
                failures = 0
            except AzureError as error:
                failures += 1
                if (error.status and error.status < 500 and error.status != 429) or failures > _TRIES:
                    raise
                status = Status(False, shown.detail)
            shown.detail = status.detail
            if status.total:
                self.view.progress = Progress(title, status.done, status.total)
            if status.over:
                shown.mark, self.view.progress = Mark.DONE, None
                self._changed()
                return status
            self._changed()
            if self.clock.now() > deadline:
                raise Failure(f"{title}: not over after {longest}. Azure goes on; the bot follows it no longer.")
            await self.clock.sleep(every)

    async def each(
        self,
        name: str,
        title: str,
        items: Sequence[str],
        send: Callable[[str], Awaitable[Written]],
        *,
        at_once: int = 4,
        landed: Callable[[str], Awaitable[bool | None]] | None = None,
        repeatable: bool = False,
        done_if: Sequence[str] = (),
        wait_for: Sequence[str] = (),
    ) -> list[Result]:
        """Write for every item, several at once; what is refused for one does not keep the others.

        Items are known by their text, which has to be unique. Stopped between two items when somebody asks for it:
        those that were not begun are then reported as such.
        """
        shown = self.view.steps.setdefault(name, StepView(title))
        results: dict[str, Result] = {}
        left = iter(items)
        self.view.stoppable = True

        async def work() -> None:
            for item in left:
                if self.stopping:
                    results[item] = Result(item, "not begun: stopped")
                    continue
                step = f"{name}/{item}"
                before = self._known.get(step)
                if before and before.state == "failed" and before.result:
                    results[item] = Result(item, before.result.decode())
                else:
                    results[item] = await one(item, step)
                self.view.steps.pop(step, None)
                self.view.progress = Progress(title, len(results), len(items))
                wrong = sum(1 for each in results.values() if each.error)
                shown.detail = f"{len(results)} of {len(items)}" + (f", {wrong} refused" if wrong else "")
                self._changed()

        async def one(item: str, step: str) -> Result:
            check = (lambda: landed(item)) if landed else None
            try:
                await self.write(
                    step,
                    item,
                    lambda: send(item),
                    landed=check,
                    repeatable=repeatable,
                    done_if=done_if,
                    wait_for=wait_for,
                )
            except AzureError as error:
                return Result(item, f"{error.code}: {error.message}")
            except Unknown:
                return Result(item, "may or may not have taken effect")
            except Failure as failure:
                return Result(item, failure.why)
            return Result(item)

        workers = [asyncio.create_task(work()) for _ in range(min(at_once, len(items)))]
        try:
            await asyncio.gather(*workers)
        finally:  # one that fails ends the others: another instance holds the operation, or the store is out
            for each in workers:
                each.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        self.view.stoppable = False
        self.view.progress = None
        shown.mark = Mark.WARNING if any(each.error for each in results.values()) else Mark.DONE
        self._changed()
        return [results[item] for item in items]

    async def upload(self, id_: str) -> bytes:
        """What was attached or pasted for this operation. Raises Failure where it is kept no longer."""
        found = await self._store.upload(id_, self.clock.now())
        if found is None:
            raise Failure("What was attached is not kept any more: attach it again.")
        return found.body

    def say(self, name: str, title: str, mark: Mark = Mark.DONE, detail: str = "") -> None:
        """Show a step that does nothing of its own."""
        self.view.steps[name] = StepView(title, mark, detail)
        self._changed()

    def checkpoint(self) -> None:
        """Stop here where somebody asked for it. Raises Stopped."""
        if self.stopping:
            raise Stopped

    async def _landed(self, name: str, title: str, landed: Check | None, repeatable: bool) -> bool:
        """Whether a write that was sent took effect; False where it did not, or may be sent again. Raises Unknown."""
        if landed is None:
            if repeatable:
                return False
            raise Unknown(f"{title}: it was sent, and its answer was lost. It may or may not have taken effect.")
        found = await landed()
        if found is None:
            raise Unknown(f"{title}: it was sent, and its answer was lost. It may or may not have taken effect.")
        log.info("operation.write_found", operation=self.row.id, step=name, landed=found)
        return found

    async def _wrote(self, name: str, shown: StepView, location: str) -> str:
        await self._note(name, "done", msgspec.json.encode(location))
        shown.mark, shown.detail = Mark.DONE, ""
        self._changed()
        return location

    async def _note(self, name: str, state: StepState, result: bytes = b"") -> None:
        step = StepRow(self.row.id, name, state, self.clock.now(), result)
        if not await self._store.note_steps(self._holder, [step]):
            raise Lost
        self._known[name] = step
