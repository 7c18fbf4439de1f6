"""Runs workflows, each by one instance at a time, and shows how far they are.

An operation is a row in the store before anything of it happens. It is held by the instance that runs it, for a short
while that is renewed; one that nobody holds any longer is what a crash interrupted, and whoever looks next goes on with
it. How it ended is stored before it is shown.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog
from msgspec import Struct

from bot import tracing
from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.clock import Clock, end_tasks
from bot.content.redaction import HIDDEN
from bot.operations.audit import Act, Audit, Result
from bot.operations.lease import HELD, RENEWALS, holder
from bot.operations.operation_card import UNDOABLE, byline, failed_card, outcome_card, running_card, stopped_card
from bot.operations.run import Run, kept
from bot.operations.workflow import (
    Failure,
    Lost,
    Outcome,
    Stopped,
    Unknown,
    View,
    Workflow,
)
from cards.build import bold, text
from cards.card import Card, plain
from storage.port.audit import AuditEntry
from storage.port.black_box import BlackBoxStore
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.operations import OperationRow, OperationState, OperationStore, StepRow
from storage.port.uploads import UploadStore

log = structlog.get_logger()

_ELSEWHERE = 2.0
"""Seconds between two looks at an operation that another instance runs."""
_OUTAGE = timedelta(minutes=15)
"""For how long a workflow that Azure does not answer is run anew, before it fails."""
_LONGEST_WAIT = 30.0
"""Seconds between two such runs at most."""
_OUTCOME = "outcome"
"""The step that holds how a workflow ended."""
_BEFORE = "before"
"""The step that holds what was there before, which a command that takes it back may read."""
_UPLOAD = re.compile(rb"\bfile:(u[0-9a-f]{24})\b")
"""A reference to what was attached, in arguments and in what was typed."""


@dataclass(frozen=True)
class Undoing:
    """How an operation is taken back: the command, until when that may be, and what the operation left.

    ``left`` is a state by the names that the command's look ahead gives it; see Outcome.left.
    """

    operation: str
    command: str
    until: datetime
    ended: datetime
    left: dict[str, str]


class Workflows(Protocol):
    """Every workflow by its name."""

    @property
    def workflows(self) -> Mapping[str, Workflow]:
        """All of them."""
        ...


class OperationsStore(OperationStore, UploadStore, BlackBoxStore, Protocol):
    """What is needed of the store: operations, what was attached for them, and what is kept before they change it."""


@dataclass
class _Running:
    """An operation that this instance runs."""

    row: OperationRow
    view: View
    run: Run | None = None
    task: asyncio.Task[None] | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def changed(self) -> None:
        """Wake whoever follows it."""
        news, self.news = self.news, asyncio.Event()
        news.set()


class Operations:
    """Every operation there is."""

    def __init__(
        self,
        store: OperationsStore,
        accounts: Accounts,
        workflows: Mapping[str, Workflow],
        audit: Audit,
        clock: Clock | None = None,
        *,
        held: timedelta = HELD,
    ) -> None:
        """``held`` is for how long an operation is held before it has to be renewed."""
        self._store = store
        self._accounts = accounts
        self._workflows = workflows
        self._audit = audit
        self._clock = clock or Clock()
        self._held = held
        self._holder = holder()
        self._running: dict[str, _Running] = {}

    async def begin(
        self, workflow: str, account: str, target: str, arguments: Struct, *, request: str, act: Act | None
    ) -> str:
        """Store an operation and begin it; its id. The same request begins the same operation once.

        ``act`` is the beginning of its lines in the audit trail; None where nothing is recorded of it.
        """
        encoded = msgspec.json.encode(arguments)
        id_ = hashlib.sha256(b"\0".join([request.encode(), workflow.encode(), encoded])).hexdigest()[:12]
        now = self._clock.now()
        row = OperationRow(
            id_,
            request,
            workflow,
            account,
            target,
            encoded,
            msgspec.json.encode(act.cleared()) if act else b"",
            now,
        )
        if await self._store.add_operation(row, self._holder, now + self._held):
            self._start(row)
        return id_

    def began(self, request: str) -> bool:
        """Whether a request began an operation that this instance runs now."""
        return any(each.row.request == request for each in self._running.values())

    async def of_request(self, request: str) -> str | None:
        """The id of the operation that a request began."""
        row = await self._store.operation_of(request)
        return row.id if row else None

    async def follow(self, id_: str) -> AsyncGenerator[Card]:
        """The cards of an operation, until its last one; nothing for one that is not known."""
        last: Card | None = None
        while (here := self._running.get(id_)) is not None:
            news = here.news
            if here.view.card is not None:
                break
            card = running_card(here.view, id_, here.row.started)
            if card != last:
                last = card
                yield card
            await news.wait()
        while (row := await self._store.operation(id_)) is not None:
            if row.state != "running":
                if (ended := decoded(row.outcome, Card)) is not None:
                    yield ended
                return
            if id_ in self._running:
                async for card in self.follow(id_):
                    yield card
                return
            await self._clock.sleep(_ELSEWHERE)

    async def stop(self, id_: str) -> bool:
        """Ask an operation to stop where it can; False where it has ended."""
        asked = await self._store.stop_operation(id_)
        if asked and (here := self._running.get(id_)) and here.run:
            here.run.stopping = True
        return asked

    async def undo(self, id_: str) -> Undoing | None:
        """How an operation is taken back; None where nothing does."""
        row = await self._store.operation(id_)
        steps = await self._store.operation_steps(id_) if row else []
        found = next((step for step in steps if step.name == _OUTCOME and step.result), None)
        outcome = decoded(found.result, Outcome) if found else None
        if row is None or found is None or outcome is None or not outcome.undo:
            return None
        act = decoded(row.act, Act) if row.act else None
        left = outcome.left or (act.left if act else {})
        return Undoing(id_, outcome.undo, found.at + UNDOABLE, row.changed or found.at, left)

    async def step(self, id_: str, name: str) -> bytes | None:
        """The encoded result of a step that has ended, such as what was there before.

        Of an operation that has ended it is kept only where there is a way back.
        """
        steps = await self._store.operation_steps(id_)
        return next((step.result for step in steps if step.name == name and step.state == "done"), b"") or None

    async def run(self) -> None:
        """Hold what is run, and go on with what nobody holds, until cancelled."""
        while True:
            await self._clock.sleep(self._held.total_seconds() / RENEWALS)
            try:
                if self._running:
                    await self._store.hold_operations(self._holder, list(self._running), self._clock.now() + self._held)
                    await self._hear_stops()
                await self.resume()
            except Exception:  # a store that is out for a moment must not end this
                log.exception("operation.not_renewed")

    async def resume(self) -> int:
        """Go on with what an earlier run, or another instance, left; returns how many."""
        now = self._clock.now()
        rows = await self._store.claim_operations(self._holder, now, now + self._held)
        begun = [row for row in rows if row.id not in self._running]
        for row in begun:
            log.info("operation.resumed", operation=row.id, workflow=row.workflow)
            self._start(row)
        return len(begun)

    async def drain(self) -> None:
        """Let go of every operation: whoever looks next goes on with it."""
        await end_tasks(each.task for each in self._running.values() if each.task)
        await self._store.release_operations(self._holder)

    async def _hear_stops(self) -> None:
        for row in await self._store.operations(running=True):
            if row.stopping and (here := self._running.get(row.id)) and here.run:
                here.run.stopping = True

    def _start(self, row: OperationRow) -> None:
        known = self._workflows.get(row.workflow)
        act = decoded(row.act, Act) if row.act else None
        title = known.title.format(row.target) if known else row.workflow.capitalize()
        view = View(
            text(bold(f"Undo: {title}" if act and act.undoes else title)),
            byline=byline(act, row.account if len(self._accounts.names) > 1 else ""),
        )
        here = self._running[row.id] = _Running(row, view)
        here.task = asyncio.create_task(self._work(here), name=f"operation {row.id}")
        here.task.add_done_callback(lambda _: self._ended(here))

    def _ended(self, here: _Running) -> None:
        if self._running.get(here.row.id) is here:
            del self._running[here.row.id]
        here.changed()

    async def _work(self, here: _Running) -> None:
        row = here.row
        act = decoded(row.act, Act) if row.act else None
        correlation = act.correlation if act else row.id
        with (
            structlog.contextvars.bound_contextvars(correlation=correlation, operation=row.id),
            tracing.span("operation", batchbot__correlation=correlation, batchbot__workflow=row.workflow),
        ):
            try:
                state, card, outcome = await self._outcome(here, act)
                now = self._clock.now()
                entry = self._entry(here, act, state, card, outcome, now) if act else None
                encoded = msgspec.json.encode(card)
                used = set(_UPLOAD.findall(row.arguments + row.act))
                noted = await self._store.end_operation(
                    row.id,
                    self._holder,
                    state,
                    encoded,
                    now,
                    entry,
                    act=msgspec.json.encode(act.ended()) if act else b"",
                    # A button of its last card may go on with it, where it was stopped halfway.
                    uploads={each.decode() for each in used - set(_UPLOAD.findall(encoded))},
                    keep_steps=(_OUTCOME, _BEFORE) if outcome and outcome.undo else (),
                )
            except Lost:
                noted = False
            except StoreError as error:  # nothing can be noted: nobody holds it soon, and whoever looks then goes on
                log.error("operation.not_noted", workflow=row.workflow, message=str(error))  # noqa: TRY400 - it says all
                return
            if not noted:
                log.warning("operation.lost", workflow=row.workflow)
                return
            here.view.card = card
            here.changed()
            if entry:
                self._audit.written(entry)

    async def _outcome(self, here: _Running, act: Act | None) -> tuple[OperationState, Card, Outcome | None]:
        """Run the workflow to its end, whatever that is. Raises Lost and StoreError."""
        row, view = here.row, here.view
        typed = act.typed if act else ""
        # What was attached is not kept, nor is a secret that was typed: the same words would not do the same.
        command = "" if HIDDEN in typed or _UPLOAD.search(typed.encode()) else typed
        try:
            outcome = await self._patiently(here)
        except (Lost, StoreError):
            raise
        except Stopped:
            return "stopped", stopped_card(view, self._clock.now()), None
        except Exception as error:
            if not isinstance(error, AzureError | Failure):
                log.exception("operation.failed", workflow=row.workflow)
            elif isinstance(error, AzureError):
                log.warning("operation.refused", code=error.code, status=error.status, request_id=error.request_id)
            card = failed_card(view, error, command, act.correlation if act else row.id, self._clock.now())
            return ("unknown" if isinstance(error, Unknown) else "failed"), card, None
        card = outcome_card(view, outcome, row.id, row.started, self._clock.now())
        return ("failed" if outcome.failed else "stopped" if outcome.stopped else "done"), card, outcome

    async def _patiently(self, here: _Running) -> Outcome:
        """Run the workflow; anew from its start for as long as Azure does not answer what it reads."""
        failures, until = 0, None
        while True:
            try:
                return await self._ran(here)
            except AzureError as error:
                now = self._clock.now()
                until = until or now + _OUTAGE
                failures += 1
                wait = max(min(_LONGEST_WAIT, 2.0**failures), error.retry_after or 0)
                if not error.passing or now + timedelta(seconds=wait) > until:
                    raise
                log.warning("operation.interrupted", code=error.code, status=error.status, again_in=wait)
                here.view.waiting = f"Azure does not answer ({error.code}). The bot goes on when it does."
                here.changed()
                await self._clock.sleep(wait)
                here.view.waiting = ""

    async def _ran(self, here: _Running) -> Outcome:
        row = here.row
        known = self._workflows.get(row.workflow)
        account = self._accounts.get(row.account) if row.account in self._accounts.names else None
        if known is None or account is None or account.writer is None:
            raise Failure("The bot was started with other settings since: this cannot be continued.")
        steps = await self._store.operation_steps(row.id)
        stopping = here.run.stopping if here.run else row.stopping
        here.run = run = Run(
            row, account, account.writer, steps, self._store, self._holder, self._clock, here.view, here.changed
        )
        run.stopping = stopping
        arguments = kept(row.arguments, known.arguments)
        here.view.open = getattr(arguments, "show", "")
        outcome = await known.body(run, arguments)
        body = msgspec.json.encode(outcome)
        if not await self._store.note_steps(self._holder, [StepRow(row.id, _OUTCOME, "done", self._clock.now(), body)]):
            raise Lost
        return outcome

    @staticmethod
    def _entry(
        here: _Running, act: Act, state: OperationState, card: Card, outcome: Outcome | None, now: datetime
    ) -> AuditEntry:
        """Its line of the audit trail."""
        results: dict[OperationState, Result] = {"done": "done", "unknown": "unknown"}
        if outcome and (outcome.before or outcome.after):
            act = replace(act, before=outcome.before, after=outcome.after)
        requests = ", ".join(here.run.requests[-3:]) if here.run else ""
        return act.entry(now, results.get(state, "failed"), plain(card.title), azure_request=requests)
