"""One operation on its way, as its workflow sees it: durable steps, as :mod:`bot.operations.workflow` says."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar

import msgspec
import structlog

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.clock import Clock
from bot.operations.one_write import TRIES, Answered, Check, Refused, Write
from bot.operations.workflow import Failure, Lost, StepView, Stopped, Unknown, View
from cards.card import Mark, Progress
from storage.port.black_box import BlackBoxStore
from storage.port.decoding import decoded
from storage.port.operations import OperationRow, StepRow, StepState
from storage.port.uploads import Upload

log = structlog.get_logger()

T = TypeVar("T")

_PATIENCE = timedelta(minutes=5)
"""How long a refusal that passes by itself is waited out."""
_LONGEST_WAIT = 30.0
"""Seconds between two attempts at most, where Azure does not ask for more."""
_ETA_STEP = 30
"""Seconds to which an expected end is rounded up, so that a card is not edited for its changing."""


def kept(stored: bytes, kind: type[T]) -> T:
    """What was stored of an operation. Raises Failure where it cannot be read: nobody knows what is to be done."""
    found = decoded(stored, kind)
    if found is None:
        raise Failure("What was noted of this change cannot be read, so it cannot be continued.")
    return found


class Status(NamedTuple):
    """What :meth:`Run.until` found: whether that is the end, and how far it is, in words and as a share."""

    over: bool
    detail: str = ""
    done: float = 0
    total: float = 0


class Steps(BlackBoxStore, Protocol):
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
        self._met: Counter[str] = Counter()
        self.store = store
        self._holder = holder
        self._changed = changed

    async def once(self, name: str, kind: type[T], compute: Callable[[], Awaitable[T]]) -> T:
        """A value that is computed once and the same ever after: what was there before, which nodes are meant."""
        step = self._known.get(name)
        if step and step.state == "done":
            return kept(step.result, kind)
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
        Raises AzureError for other refusals, and Failure or Unknown.
        """
        self._met[name] += 1
        if self._met[name] > 1:
            raise ValueError(f"the workflow {self.row.workflow!r} has two steps of the name {name!r}")
        shown = self.view.steps.setdefault(name, StepView(title))
        codes = frozenset(map(str.lower, done_if)), frozenset(map(str.lower, wait_for))
        wanted = Write(name, title, shown, send, landed, repeatable, *codes)
        step = self._known.get(name)
        if step and step.state == "done":
            return self._replayed(shown, step.result)
        if step and step.state == "failed" and step.result:
            refused = kept(step.result, Refused).error()
            shown.mark, shown.detail = Mark.FAILED, refused.code
            raise refused
        sent_before = bool(step and step.state == "sent")
        if sent_before and await self._landed(wanted):
            return await self._wrote(wanted)
        return await self._sent(wanted, sent_before)

    async def _sent(self, wanted: Write, sent_before: bool) -> str:
        """Send a write until it is known what became of it."""
        until, unanswered, refusals = self.clock.now() + _PATIENCE, 0, 0
        shown = wanted.shown
        while True:
            await self._note(wanted.name, "sent")
            self._changed()
            try:
                written = await wanted.send()
            except AzureError as error:
                if wanted.waits_for(error):
                    refusals += 1
                    await self._wait_out(wanted, error, error.retry_after or min(_LONGEST_WAIT, 5.0 * refusals), until)
                elif error.unanswered:
                    sent_before, unanswered = True, unanswered + 1
                    shown.detail = f"{error.code}: looking whether it took effect"
                    self._changed()
                    await self.clock.sleep(min(_LONGEST_WAIT, 2.0 * unanswered))  # it may be under way still
                    if await self._landed(wanted):
                        return await self._wrote(wanted)
                    if unanswered == TRIES:
                        shown.mark, shown.detail = Mark.FAILED, error.code
                        raise wanted.given_up(error) from error
                elif await wanted.is_done(error, sent_before):
                    return await self._wrote(wanted)
                else:
                    shown.mark, shown.detail = Mark.FAILED, error.code
                    await self._note(wanted.name, "failed", msgspec.json.encode(Refused.of(error)))
                    raise
            else:
                return await self._wrote(wanted, Answered(written.location, written.request_id))

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

        The end that it found is kept: it is not waited for again after a crash, though things have moved on since.
        While Azure does not answer it is asked again. Raises Failure after ``longest``, and AzureError for what Azure
        refuses.
        """
        self._met[name] += 1
        step_name = f"until {name} {self._met[name]}"
        shown = self.view.steps.setdefault(name, StepView(title))
        step = self._known.get(step_name)
        if step and step.state == "done":
            shown.mark = Mark.DONE
            status = kept(step.result, Status)
            shown.detail = status.detail
            return status
        if step is None:
            step = await self._note(step_name, "sent")
        shown.mark = Mark.CHANGING
        while True:
            wait = every
            try:
                status = await check()
            except (AzureError, Failure) as error:
                if isinstance(error, Failure) or not error.passing:
                    shown.mark = Mark.FAILED
                    raise
                status = Status(False, f"Azure does not answer ({error.code}); asking again")
                wait = max(every, error.retry_after or 0)
            shown.detail = status.detail
            if status.over:
                await self._note(step_name, "done", msgspec.json.encode(status))
                shown.mark, self.view.progress, self.view.eta = Mark.DONE, None, None
                self._changed()
                return status
            if status.total:
                self.view.progress = Progress(title, min(status.done, status.total), status.total)
                self.view.eta = self._expected(step.at, status)
            self._changed()
            if self.clock.now() + timedelta(seconds=wait) > step.at + longest:
                shown.mark = Mark.FAILED
                raise Failure(f"{title}: not over after {longest}. Azure goes on; the bot no longer follows it.")
            await self.clock.sleep(wait)

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
                step = f"{name}/{item}"
                if self.stopping and step not in self._known:
                    results[item] = Result(item, "not begun: stopped")
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
                if error.passing:  # it was looked for and Azure did not answer: all of it is gone on with later
                    raise
                return Result(item, f"{error.code}: {error.message}")
            except Unknown:
                return Result(item, "may or may not have taken effect")
            except Failure as failure:
                return Result(item, failure.why)
            return Result(item)

        workers = [asyncio.create_task(work()) for _ in range(min(at_once, len(items)))]
        try:
            # None is cut short for another's failure: what it has sent is answered, and noted.
            ends = await asyncio.gather(*workers, return_exceptions=True)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if failures := [end for end in ends if isinstance(end, BaseException)]:
            raise next((end for end in failures if isinstance(end, Lost)), failures[0])
        self.view.stoppable = False
        self.view.progress = None
        shown.mark = Mark.WARNING if any(each.error for each in results.values()) else Mark.DONE
        self._changed()
        return [results[item] for item in items]

    async def upload(self, id_: str) -> bytes:
        """What was attached or pasted for this operation. Raises Failure where it is kept no longer."""
        found = await self.store.upload(id_, self.clock.now())
        if found is None:
            raise Failure("What was attached is no longer kept: attach it again.")
        return found.body

    def say(self, name: str, title: str, mark: Mark = Mark.DONE, detail: str = "") -> None:
        """Show a step that does nothing of its own."""
        self.view.steps[name] = StepView(title, mark, detail)
        self._changed()

    def checkpoint(self) -> None:
        """Stop here where somebody asked for it. Raises Stopped."""
        if self.stopping:
            raise Stopped

    async def _wait_out(self, wanted: Write, error: AzureError, wait: float, until: datetime) -> None:
        """Wait after a refusal that passes. Raises Failure where that takes too long."""
        await self._note(wanted.name, "failed")  # refused, so nothing has happened
        shown = wanted.shown
        if self.clock.now() + timedelta(seconds=wait) > until:
            shown.mark, shown.detail = Mark.FAILED, error.code
            raise Failure(f"{wanted.title}: Azure answered {error.code} for too long. Try again later.") from error
        shown.detail = "Azure asked to wait" if error.throttled else f"waiting: {error.code}"
        self._changed()
        await self.clock.sleep(wait)

    async def _landed(self, wanted: Write) -> bool:
        """Whether a write that was sent took effect; False where it did not, or may be sent again. Raises Unknown."""
        if wanted.landed is None and wanted.repeatable:
            return False
        found = await wanted.landed() if wanted.landed else None
        if found is None:
            raise Unknown(f"{wanted.title}: it was sent, and its answer was lost. It may or may not have taken effect.")
        log.info("operation.write_found", operation=self.row.id, step=wanted.name, landed=found)
        return found

    def _replayed(self, shown: StepView, result: bytes) -> str:
        answered = kept(result, Answered)
        shown.mark = Mark.DONE
        if answered.request_id:
            self.requests.append(answered.request_id)
        return answered.location

    async def _wrote(self, wanted: Write, answered: Answered | None = None) -> str:
        result = msgspec.json.encode(answered or Answered())
        await self._note(wanted.name, "done", result)
        wanted.shown.detail = ""
        location = self._replayed(wanted.shown, result)
        self._changed()
        return location

    def _expected(self, since: datetime, status: Status) -> datetime | None:
        """When it should be over, if it goes on as it has gone; None where nothing can be said yet."""
        now = self.clock.now()
        taken = (now - since).total_seconds()
        if taken < _ETA_STEP or not 0 < status.done < status.total:
            return None
        left = taken * (status.total - status.done) / status.done
        return datetime.fromtimestamp(math.ceil((now.timestamp() + left) / _ETA_STEP) * _ETA_STEP, now.tzinfo)

    async def _note(self, name: str, state: StepState, result: bytes = b"") -> StepRow:
        step = StepRow(self.row.id, name, state, self.clock.now(), result)
        if not await self.store.note_steps(self._holder, [step]):
            raise Lost
        self._known[name] = step
        return step
