"""The store as the program writes to it: what is kept for people to read is kept without secrets.

Free text is cleared as its row is written: cards, incidents, what is noted of a transition, lines of the audit trail,
reasons. Names by which rows are found stay exact, and so does what is needed to do what somebody asked for, until it
is done: :data:`EXACT` lists that, with the reason. A method of the store that is in neither makes a test fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

import msgspec
from msgspec.structs import replace

from bot.content.clear_text import HEAVY, clear
from bot.content.clear_values import Values, clear_pairs
from bot.content.outgoing import outgoing
from bot.content.redaction import redact
from bot.content.texts import Texts
from cards.build import forget_shown_secrets
from cards.card import Card
from storage.port.approvals import Approval
from storage.port.audit import AuditEntry
from storage.port.bill import BillReading, BillRow
from storage.port.black_box import KeptNode, KeptTask
from storage.port.changes import ChangeSet
from storage.port.confirmations import Confirmation
from storage.port.live import LiveCard
from storage.port.operations import OperationState
from storage.port.outbox import AttemptState, OutboxEntry
from storage.port.recommendations import AnswerState, RecommendationRow
from storage.port.reports import AdviceRow, AnomalyRow, ReportPost
from storage.port.samples import PoolEra
from storage.port.store import Store

T = TypeVar("T")

EXACT: Mapping[str, str] = {
    "accept": "a request is what is to be run; what was typed goes when it is answered",
    "start_change": "the command that is run; it goes when it is answered",
    "add_operation": "its arguments are what is sent to Azure; they go when it has ended",
    "note_steps": "an operation goes on with them after a crash; they go when it has ended",
    "put_upload": "tasks that are to be added, and ids of those that a button means; kept for seven days at most",
    "put_upload_ticket": "the command that an upload goes on with; kept for fifteen minutes",
    "put_preference": "what people keep by name: patterns, commands and templates, from which secrets are refused",
    "put_conversation": "an address",
    "move_conversation": "an address, and another name for what is kept already",
    "put_message": "ids of a platform",
    "put_file": "what a link lends is what a chat was given, which had no secrets",
    "put_prices": "names of sizes, and figures",
    "add_samples": "names of pools and jobs, and figures",
    "add_history": "figures",
    "add_network": "names of pools, and figures",
}
"""What is stored as it is, and why."""
_ENDED = frozenset({"run", "denied", "withdrawn", "expired", "void", "acknowledged"})
_NAMES = frozenset(
    {"id", "fingerprint", "account", "kind", "rule", "entity", "parent", "conversation", "entry", "platform", "command"}
)
"""Fields of what is encoded that others are found by, or that are acted on."""
_BILLED = Texts(clear, frozenset({"account", "pool", "basis", "currency"}).__contains__)
_VALUES = Values(exact=_NAMES.__contains__)
_WATCHED = Values(exact=(_NAMES | {"pool", "job", "schedule", "vm_size", "state"}).__contains__)
"""The same for snapshots: their fields that are ids of other entities."""
_KEPT = Texts(clear, frozenset({"account", "job", "task", "pool", "node", "name", "state", "vm_size"}).__contains__)


def clearing(store: Store) -> Store:
    """The store, whichever it is, so that what is written to it is cleared."""
    return cast("Store", ClearStore(store))


class ClearStore:
    """Every method that it has of its own clears what it writes; all others are the store's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        """What is not cleared here: reading, marks, and what is exact."""
        return getattr(self._store, name)

    async def record(self, changes: ChangeSet) -> int:
        """What a poll or a decision changes."""
        weight = sum(len(each.card) for each in changes.entries) + sum(
            len(each.details) for each in changes.transitions
        )
        for rows in (changes.incidents, changes.notifications, changes.snapshots, changes.looks):
            weight += sum(len(each.body or b"") for each in rows)
        weight += _weight(changes.kept_tasks, changes.kept_nodes)
        return await self._store.record(await _cleared(_change_set, changes, weight))

    async def keep(self, tasks: Sequence[KeptTask], nodes: Sequence[KeptNode] = ()) -> None:
        """What is about to be lost: what was printed was cleared as it was cut, and this is only to be sure."""
        await self._store.keep(*await _cleared(_boxes, (tasks, nodes), _weight(tasks, nodes)))

    async def put_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> None:
        """An approval and its messages."""
        await self._store.put_approval(*await _approved(approval, entries))

    async def change_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> bool:
        """The same."""
        return await self._store.change_approval(*await _approved(approval, entries))

    async def append_audit(self, entry: AuditEntry) -> None:
        """A line of the audit trail."""
        await self._store.append_audit(_audit(entry))

    async def post_audit(self, after: int, upto: int, entry: OutboxEntry) -> bool:
        """The message that has lines of the audit trail."""
        return await self._store.post_audit(after, upto, await _message(entry))

    async def record_outcome(self, key: str, outcome: bytes, entry: AuditEntry) -> None:
        """What a change came to."""
        await self._store.record_outcome(key, await _card(outcome), _audit(entry))

    async def end_operation(
        self,
        id_: str,
        holder: str,
        state: OperationState,
        outcome: bytes,
        now: datetime,
        entry: AuditEntry | None = None,
        *,
        act: bytes = b"",
        uploads: Collection[str] = (),
        keep_steps: Collection[str] = (),
    ) -> bool:
        """How an operation ended."""
        outcome, entry = await _card(outcome), _audit(entry) if entry else None
        return await self._store.end_operation(
            id_, holder, state, outcome, now, entry, act=act, uploads=uploads, keep_steps=keep_steps
        )

    async def put_live(self, live: LiveCard) -> None:
        """A card that is live."""
        await self._store.put_live(replace(live, card=await _card(live.card)))

    async def ask_confirmation(self, confirmation: Confirmation) -> None:
        """A change that waits: its command is what will be run, the figures are to be read."""
        await self._store.ask_confirmation(replace(confirmation, shown=clear_encoded(confirmation.shown)))

    async def post_report(self, post: ReportPost, advice: Sequence[AdviceRow], entry: OutboxEntry | None) -> bool:
        """A report and what it advised."""
        advice = [replace(each, body=clear_encoded(each.body)) for each in advice]
        post = replace(post, body=clear_encoded(post.body))
        shown = await _message(entry) if entry else None
        return await self._store.post_report(post, advice, shown)

    async def see_recommendations(self, rows: Sequence[RecommendationRow]) -> None:
        """Recommendations: their words and commands have names of entities in them."""
        await self._store.see_recommendations([replace(each, body=clear_encoded(each.body)) for each in rows])

    async def answer_recommendation(
        self,
        account: str,
        id_: str,
        state: AnswerState,
        at: datetime,
        *,
        by: str,
        because: str = "",
        until: datetime | None = None,
    ) -> bool:
        """What somebody said of it."""
        return await self._store.answer_recommendation(
            account, id_, state, at, by=clear(by), because=clear(because), until=until
        )

    async def put_anomaly(self, row: AnomalyRow) -> bool:
        """An unusual day."""
        return await self._store.put_anomaly(replace(row, body=clear_encoded(row.body)))

    async def answer_anomaly(self, account: str, pool: str, day: date, answer: str, reply: bytes) -> bool:
        """What somebody said of it."""
        return await self._store.answer_anomaly(account, pool, day, clear(answer), clear_encoded(reply))

    async def put_bill(
        self, account: str, first: date, last: date, rows: Sequence[BillRow], reading: BillReading
    ) -> None:
        """What was billed: its rows are named by Azure."""
        cleared = [_BILLED.value(row) for row in rows]
        await self._store.put_bill(account, first, last, cleared, replace(reading, message=clear(reading.message)))

    async def put_bill_reading(self, reading: BillReading) -> None:
        """How reading the bill went."""
        await self._store.put_bill_reading(replace(reading, message=clear(reading.message)))

    async def add_pool_eras(self, account: str, eras: Sequence[PoolEra]) -> None:
        """Pools as they were, with their metadata."""
        eras = [replace(era, tags=clear_pairs(era.tags)) for era in eras]
        await self._store.add_pool_eras(account, eras)

    async def attempt_failed(
        self, entry: str, state: AttemptState, error: str, not_before: datetime | None = None
    ) -> None:
        """What a platform said."""
        await self._store.attempt_failed(entry, state, clear(error), not_before)


def clear_encoded_card(encoded: bytes) -> bytes:
    """An encoded card as it may be stored; what is no card is cleared as words."""
    if not encoded:
        return encoded
    try:
        card = msgspec.json.decode(encoded, type=Card)
    except msgspec.DecodeError:
        return clear_encoded(encoded)
    return msgspec.json.encode(forget_shown_secrets(outgoing(card)))


def clear_encoded(encoded: bytes) -> bytes:
    """Something encoded as JSON, cleared but for names; the very bytes where there is nothing to clear.

    What is no JSON is cleared as a text.
    """
    if not encoded:
        return encoded
    try:
        value = msgspec.json.decode(encoded)
        cleared = _VALUES.value(value)
    except (msgspec.DecodeError, RecursionError):
        words = encoded.decode(errors="replace")
        hidden = redact(words)
        return encoded if hidden == words else hidden.encode()
    return encoded if cleared is value else msgspec.json.encode(cleared)


def clear_snapshot(body: bytes) -> bytes:
    """A snapshot, which is MessagePack: what is watched was cleared as it was read, and this is only to be sure."""
    try:
        value = msgspec.msgpack.decode(body)
        cleared = _WATCHED.value(value)
    except (msgspec.DecodeError, RecursionError):
        return clear_encoded(body)
    return body if cleared is value else msgspec.msgpack.encode(cleared)


async def _cleared(how: Callable[[T], T], what: T, weight: int) -> T:
    """``weight`` is in bytes: what would hold the event loop up goes to a thread."""
    return await asyncio.to_thread(how, what) if weight > HEAVY else how(what)


async def _card(encoded: bytes) -> bytes:
    return await _cleared(clear_encoded_card, encoded, len(encoded))


async def _message(entry: OutboxEntry) -> OutboxEntry:
    return await _cleared(_entry, entry, len(entry.card))


async def _approved(approval: Approval, entries: Sequence[OutboxEntry]) -> tuple[Approval, list[OutboxEntry]]:
    def both(what: tuple[Approval, list[OutboxEntry]]) -> tuple[Approval, list[OutboxEntry]]:
        return _approval(what[0]), [*map(_entry, what[1])]

    weight = len(approval.card) + len(approval.request) + sum(len(each.card) for each in entries)
    return await _cleared(both, (approval, [*entries]), weight)


def _change_set(changes: ChangeSet) -> ChangeSet:
    return replace(
        changes,
        transitions=[
            replace(each, details=clear_encoded(each.details.encode()).decode()) if each.details else each
            for each in changes.transitions
        ],
        snapshots=[replace(each, body=clear_snapshot(each.body)) if each.body else each for each in changes.snapshots],
        incidents=[replace(each, body=clear_encoded(each.body)) for each in changes.incidents],
        notifications=[replace(each, body=clear_encoded(each.body)) for each in changes.notifications],
        entries=[*map(_entry, changes.entries)],
        kept_tasks=[*map(_KEPT.value, changes.kept_tasks)],
        kept_nodes=[*map(_KEPT.value, changes.kept_nodes)],
        looks=[replace(each, body=clear_snapshot(each.body)) for each in changes.looks],
    )


def _boxes(what: tuple[Sequence[KeptTask], Sequence[KeptNode]]) -> tuple[Sequence[KeptTask], Sequence[KeptNode]]:
    tasks, nodes = what
    return [*map(_KEPT.value, tasks)], [*map(_KEPT.value, nodes)]


def _weight(tasks: Sequence[KeptTask], nodes: Sequence[KeptNode]) -> int:
    files = [file for each in tasks for file in each.files] + [file for each in nodes for file in each.files]
    return sum(len(file.text) for file in files)


def _entry(entry: OutboxEntry) -> OutboxEntry:
    return replace(entry, card=clear_encoded_card(entry.card))


def _audit(entry: AuditEntry) -> AuditEntry:
    """A line: every text in it that somebody wrote, or Azure said."""
    return replace(
        entry,
        command=clear(entry.command),
        target=clear(entry.target),
        details=clear(entry.details),
        before=clear(entry.before),
        after=clear(entry.after),
        reason=clear(entry.reason),
    )


def _approval(approval: Approval) -> Approval:
    """An approval: its command and request stay as long as they may be run."""
    over = approval.state in _ENDED
    return replace(
        approval,
        card=clear_encoded_card(approval.card),
        figures=clear_encoded(approval.figures),
        reason=clear(approval.reason),
        votes=tuple(replace(each, why=clear(each.why)) for each in approval.votes),
        command=clear(approval.command) if over else approval.command,
        request=clear_encoded(approval.request) if over else approval.request,
    )
