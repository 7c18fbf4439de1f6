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

from bot.content.outgoing import clear, outgoing
from bot.content.redaction import redact
from bot.content.redaction import without_secrets as pairs_without_secrets
from bot.content.texts import Texts
from cards.build import without_secrets
from cards.card import Card
from storage.port.approvals import Approval
from storage.port.audit import AuditEntry
from storage.port.bill import BillReading, BillRow
from storage.port.changes import ChangeSet
from storage.port.confirmations import Confirmation
from storage.port.live import LiveCard
from storage.port.operations import OperationState
from storage.port.outbox import AttemptState, OutboxEntry
from storage.port.reports import AdviceRow, AnomalyRow, ReportPost
from storage.port.samples import PoolEra
from storage.port.store import Store

T = TypeVar("T")

EXACT: Mapping[str, str] = {
    "accept": "a request is what is to be run; what was typed goes when it is answered",
    "start_change": "the command that is run; it goes when it is answered",
    "add_operation": "its arguments are what is sent to Azure; they go when it has ended",
    "note_steps": "an operation goes on with them after a crash; they go when it has ended",
    "put_upload": "the tasks that are to be added; kept for seven days at most",
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
_FEW = 8
"""Rows that are cleared on the event loop; more of them go to a thread."""


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
        many = len(changes.entries) + len(changes.incidents) + len(changes.snapshots) + len(changes.transitions)
        return await self._store.record(await _cleared(_change_set, changes, many))

    async def put_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> None:
        """An approval and its messages."""
        await self._store.put_approval(_approval(approval), [*map(_entry, entries)])

    async def change_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> bool:
        """The same."""
        return await self._store.change_approval(_approval(approval), [*map(_entry, entries)])

    async def append_audit(self, entry: AuditEntry) -> None:
        """A line of the audit trail."""
        await self._store.append_audit(_audit(entry))

    async def post_audit(self, after: int, upto: int, entry: OutboxEntry) -> bool:
        """The message that has lines of the audit trail."""
        return await self._store.post_audit(after, upto, _entry(entry))

    async def record_outcome(self, key: str, outcome: bytes, entry: AuditEntry) -> None:
        """What a change came to."""
        await self._store.record_outcome(key, card_without_secrets(outcome), _audit(entry))

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
        outcome, entry = card_without_secrets(outcome), _audit(entry) if entry else None
        return await self._store.end_operation(
            id_, holder, state, outcome, now, entry, act=act, uploads=uploads, keep_steps=keep_steps
        )

    async def put_live(self, live: LiveCard) -> None:
        """A card that is live."""
        await self._store.put_live(replace(live, card=card_without_secrets(live.card)))

    async def ask_confirmation(self, confirmation: Confirmation) -> None:
        """A change that waits: its command is what will be run, the figures are to be read."""
        await self._store.ask_confirmation(replace(confirmation, shown=words_without_secrets(confirmation.shown)))

    async def post_report(self, post: ReportPost, advice: Sequence[AdviceRow], entry: OutboxEntry | None) -> bool:
        """A report and what it advised."""
        advice = [replace(each, body=words_without_secrets(each.body)) for each in advice]
        post = replace(post, body=words_without_secrets(post.body))
        return await self._store.post_report(post, advice, _entry(entry) if entry else None)

    async def put_anomaly(self, row: AnomalyRow) -> bool:
        """An unusual day."""
        return await self._store.put_anomaly(replace(row, body=words_without_secrets(row.body)))

    async def answer_anomaly(self, account: str, pool: str, day: date, answer: str, reply: bytes) -> bool:
        """What somebody said of it."""
        return await self._store.answer_anomaly(account, pool, day, clear(answer), words_without_secrets(reply))

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
        eras = [replace(era, tags=pairs_without_secrets(era.tags)) for era in eras]
        await self._store.add_pool_eras(account, eras)

    async def attempt_failed(
        self, entry: str, state: AttemptState, error: str, not_before: datetime | None = None
    ) -> None:
        """What a platform said."""
        await self._store.attempt_failed(entry, state, clear(error), not_before)


def card_without_secrets(encoded: bytes) -> bytes:
    """An encoded card as it may be stored; what is no card is cleared as words."""
    if not encoded:
        return encoded
    try:
        card = msgspec.json.decode(encoded, type=Card)
    except msgspec.DecodeError:
        return words_without_secrets(encoded)
    return msgspec.json.encode(without_secrets(outgoing(card)))


def words_without_secrets(encoded: bytes) -> bytes:
    """Something encoded as JSON, its texts cleared but for names; the very bytes where there is nothing to clear."""
    words = encoded.decode(errors="replace")
    if redact(words) == words:
        return encoded
    try:
        return msgspec.json.encode(_clear_json(msgspec.json.decode(encoded)))
    except msgspec.DecodeError:
        return redact(words).encode()


def _clear_json(value: Any) -> Any:
    match value:
        case str():
            return clear(value)
        case list():
            return [_clear_json(each) for each in value]
        case dict():
            return {key: each if key in _NAMES else _clear_json(each) for key, each in value.items()}
        case _:
            return value


async def _cleared(how: Callable[[T], T], what: T, many: int) -> T:
    return await asyncio.to_thread(how, what) if many > _FEW else how(what)


def _change_set(changes: ChangeSet) -> ChangeSet:
    return replace(
        changes,
        transitions=[
            replace(each, details=words_without_secrets(each.details.encode()).decode()) if each.details else each
            for each in changes.transitions
        ],
        snapshots=[
            replace(each, body=words_without_secrets(each.body)) if each.body else each for each in changes.snapshots
        ],
        incidents=[replace(each, body=words_without_secrets(each.body)) for each in changes.incidents],
        notifications=[replace(each, body=words_without_secrets(each.body)) for each in changes.notifications],
        entries=[*map(_entry, changes.entries)],
    )


def _entry(entry: OutboxEntry) -> OutboxEntry:
    return replace(entry, card=card_without_secrets(entry.card))


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
        card=card_without_secrets(approval.card),
        figures=words_without_secrets(approval.figures),
        reason=clear(approval.reason),
        votes=tuple(replace(each, why=clear(each.why)) for each in approval.votes),
        command=clear(approval.command) if over else approval.command,
        request=words_without_secrets(approval.request) if over else approval.request,
    )
