"""Sees to it that approvals come to their end: runs what others agreed to, and ends what nobody decided in time.

What is approved is run as a request of whoever asked for it, under a key of its own: the journal takes that key once,
so it is run at most once, however many programs poll and whenever one of them dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

import structlog

from bot.chat.request import CommandRequest
from bot.clock import Clock
from bot.operations.approve import ApprovalRefused, Approvals
from bot.operations.approved_request import request_of
from bot.operations.audit import Act, Audit
from bot.operations.audit_posts import AuditPosts
from bot.policy.question import Question
from bot.requests.dispatcher import Dispatcher
from storage.port.approvals import Approval
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.store import Store

log = structlog.get_logger()

Accept: TypeAlias = Callable[[CommandRequest], Awaitable[object]]
"""Takes a request to be worked on; one whose key was taken before is left alone."""
EVERY = 5.0
"""Seconds between two polls: nobody notices whether something expires a little later."""


class ApprovalKeeper:
    """One poll after another, and at once where something was approved."""

    def __init__(self, dispatcher: Dispatcher, accept: Accept, clock: Clock, *, audit_conversation: str = "") -> None:
        self._dispatcher = dispatcher
        self._store: Store = dispatcher.services.store
        self._accept = accept
        self._clock = clock
        self._posts = AuditPosts(self._store, audit_conversation, dispatcher.services.chatting)
        self._news = asyncio.Event()
        dispatcher.approved = self._news.set

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.poll(self._clock.now())
            except Exception:  # a store that is out for a moment must not end this
                log.exception("approvals.not_polled")
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._news.wait()
            self._news.clear()

    async def poll(self, now: datetime) -> None:
        """Do once what is to be done now."""
        operations = self._dispatcher.operations
        for each in await self._store.due_approvals(now):
            try:
                await self._end(operations.approvals, operations.audit, each, now)
            except ApprovalRefused as error:  # somebody was quicker
                log.info("approval.decided_meanwhile", approval=each.id, rule=error.rule)
            except StoreError:
                raise
            except Exception:  # what is wrong with one keeps no other waiting
                log.exception("approval.not_ended", approval=each.id)
        await self._posts.post(now)

    async def _end(self, approvals: Approvals, audit: Audit, approval: Approval, now: datetime) -> None:
        match approval.state:
            case "approved":
                request = request_of(approval, now)
                if request is None:
                    await approvals.void(approval.id, now)
                else:
                    await self._accept(request)
            case "pending":
                await approvals.expire(approval, now)
                await audit.append(_act(approval).entry(now, "expired"))
            case "emergency":
                await approvals.remind(approval, now)


def _act(approval: Approval) -> Act:
    """What the audit trail says of an approval that nobody decided on."""
    question = decoded(approval.question, Question)
    home, where, effect = (
        (question.person.home, question.conversation.key, question.effect) if question else ("", "", "")
    )
    return Act(
        approval.correlation, f"approval:{approval.id}", approval.requester, home, where,
        approval.account, approval.command, approval.target, effect, "approval.expired",
        reason=approval.reason, approval=approval.id,
    )  # fmt: skip
