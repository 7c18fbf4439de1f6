"""The audit trail, as people read it: who changed what, by which rule, and whether the chain is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import msgspec

from bot.operations.approval_cards import unknown_card
from bot.operations.approve import ApprovalRefused
from bot.requests.command import Barred, CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import actions, blocks, bold, chip, code, muted, refusal, table, text
from cards.card import Attachment, Button, Card, Column, Footer, Mark, Mention, Piece, Text, Time, Words
from cards.command_line import join
from cards.formatting import number, plural
from handlers.alert.parts import a_span
from handlers.shared.common import titled
from handlers.shared.files import csv_of
from storage.port.audit import AuditEntry, AuditFilter, AuditRow, Result

_COLUMNS = (
    Column("What", width=4),
    Column("Result", width=2),
    Column("Who", width=2),
    Column("When", rank=1, width=2),
    Column("Rule", rank=2, width=2),
    Column("Line", align="right", rank=3),
)
_MARKS: dict[Result, Mark] = {
    "done": Mark.DONE,
    "started": Mark.CHANGING,
    "failed": Mark.FAILED,
    "unknown": Mark.WARNING,
    "emergency": Mark.FAILED,
    "refused": Mark.STOPPED,
    "rejected": Mark.STOPPED,
    "expired": Mark.STOPPED,
    "confirmation": Mark.NEUTRAL,
    "approval": Mark.NEUTRAL,
}
_MOST = 100_000
"""Lines of a file."""
_SLICE = 5_000
_LONGEST = timedelta(days=3650)

Kind = Literal[
    "started", "done", "refused", "rejected", "confirmation", "approval", "failed", "unknown", "emergency", "expired"
]


@command(
    "audit",
    effect="read",
    examples=["audit", "audit verb:'pool resize' since:7d", "audit result:refused"],
)
async def audit(
    ctx: Context,
    *,
    person: str | None = None,
    verb: str | None = None,
    account: str | None = None,
    entity: str | None = None,
    since: str | None = None,
    result: Kind | None = None,
    below: int | None = None,
) -> Card:
    """Show who changed what, or was refused, the newest first.

    :param person: whose lines: an id such as slack:U012AB3CD, or me
    :param verb: which command, or its first words, such as pool
    :param account: in which account
    :param entity: about what: a name, or a part of it
    :param since: how far back, such as 24h or 7d
    :param result: what came of it
    :param below: only lines before this number
    """
    wanted = _wanted(ctx, person, verb, account, entity, since, result, below)
    rows = await ctx.store.audit_search(wanted, build.PAGE + 1)
    more, rows = len(rows) > build.PAGE, rows[: build.PAGE]
    given = {"person": person, "verb": verb, "account": account, "entity": entity, "since": since, "result": result}
    again = [f"{name}:{value}" for name, value in given.items() if value]
    older = Button("Older ▶", join(["audit", *again, f"below:{rows[-1].seq}"]), how="edit") if more else None
    return Card(
        title=titled("Audit trail", " ".join(again), plural(len(rows), "line") if rows else "nothing fits"),
        blocks=blocks(
            table(_COLUMNS, [_row(ctx, row) for row in rows]) if rows else None,
            actions(
                older,
                Button("As CSV", join(["audit", "export", "csv", *again])),
                Button("As JSON lines", join(["audit", "export", "jsonl", *again])),
                Button("Verify", "audit verify"),
            ),
        ),
    )


@command("audit export", effect="read", examples=["audit export", "audit export jsonl since:30d"])
async def audit_export(
    ctx: Context,
    format: Literal["csv", "jsonl"] = "csv",  # noqa: A002 - the name that people see
    *,
    person: str | None = None,
    verb: str | None = None,
    account: str | None = None,
    entity: str | None = None,
    since: str | None = None,
    result: Kind | None = None,
) -> Card:
    """Export the audit trail as a file, all lines or those that fit, the oldest first.

    :param format: CSV for spreadsheets, or a JSON object in each line, for programs
    :param person: whose lines: an id such as slack:U012AB3CD, or me
    :param verb: which command, or its first words, such as pool
    :param account: in which account
    :param entity: about what: a name, or a part of it
    :param since: how far back, such as 24h or 7d
    :param result: what came of it
    """
    wanted = _wanted(ctx, person, verb, account, entity, since, result, None)
    found: list[AuditRow] = []
    while len(found) < _MOST and (rows := await ctx.store.audit_search(wanted, _SLICE)):
        found += rows
        wanted = msgspec.structs.replace(wanted, below=rows[-1].seq)
    found.reverse()
    now = ctx.now()
    file = await asyncio.to_thread(_csv if format == "csv" else _jsonl, f"audit-{now:%Y%m%d-%H%M}", found)
    left = f"the newest {number(_MOST)}" if len(found) >= _MOST else None
    return Card(
        title=titled("Audit trail", plural(len(found), "line"), left),
        mark=Mark.DONE,
        blocks=blocks(file, actions(Button("Show it", "audit"))),
    )


@command("audit verify", effect="read", examples=["audit verify", "audit verify 4f0c2a"])
async def audit_verify(ctx: Context, head: str = "") -> Card:
    """Check that no line of the audit trail was altered, removed or inserted, its last ones neither.

    Each line's hash covers the line and the hash before it. The last hash, noted elsewhere, proves it later: give it,
    or its beginning, to see whether it still is in the trail.

    :param head: a hash that was noted before, or the beginning of one
    """
    if ctx.audit is None:
        raise CommandError("There is no audit trail here.")
    verdict = await ctx.audit.verify()
    if verdict.broken is not None:
        return Card(
            title=text(bold(f"Line {number(verdict.broken)} of the audit trail does not follow from the one before.")),
            mark=Mark.FAILED,
            blocks=blocks(
                Words(
                    text(
                        f"Whole before it: {plural(verdict.lines, 'line')}. Somebody, or a damaged disk, has changed "
                        "the database: compare it with a backup."
                    )
                )
            ),
            refused=True,
        )
    if verdict.missing:
        return Card(
            title=text(bold(f"The audit trail has lost {plural(verdict.missing, 'line')} at its end.")),
            mark=Mark.FAILED,
            blocks=blocks(
                Words(
                    text(
                        f"It has {plural(verdict.lines, 'line')}, and had {number(verdict.lines + verdict.missing)}. "
                        "Somebody, or a damaged disk, has changed the database: compare it with a backup."
                    )
                )
            ),
            refused=True,
        )
    if verdict.rewritten:
        return Card(
            title=text(bold("The audit trail is not the one whose end the bot noted.")),
            mark=Mark.FAILED,
            blocks=(Words(text("The chain is whole in itself, so its last lines were written anew.")),),
            refused=True,
        )
    if head and not await _holds(ctx, head.strip().lower()):
        return Card(
            title=text(bold("No line has that hash: the trail is not the one it was noted of.")),
            mark=Mark.FAILED,
            blocks=(Words(text("The chain is whole in itself, so all of it was written anew since.")),),
            refused=True,
        )
    return Card(
        title=titled("The audit trail is whole", plural(verdict.lines, "line")),
        mark=Mark.DONE,
        blocks=blocks(
            Words(text("The hash you noted is in it.")) if head else None,
            Footer(text(muted("Last hash, to be noted elsewhere: "), code(verdict.head))) if verdict.head else None,
        ),
    )


@command("audit ack", effect="change", check="approval show {emergency}", examples=["audit ack 1a2b3c4d5e6f"])
async def audit_ack(ctx: Context, emergency: str) -> Card:
    """Acknowledge that somebody else went ahead without approval in an emergency.

    That is for those who may approve such a change, or make it.

    :param emergency: its id
    """
    if ctx.approvals is None:
        raise CommandError("Nothing can be acknowledged from here.")
    show, request = Button("Show it", f"approval show {emergency}"), ctx.request
    try:
        found = await ctx.approvals.acknowledge(emergency, request.person, request.conversation, ctx.now())
    except ApprovalRefused as error:
        missing = error.rule == "approval.unknown"
        raise Barred(unknown_card(emergency) if missing else refusal(error.why, "", [show]), error.rule) from None
    return Card(
        title=text(bold("You acknowledged it.")),
        mark=Mark.DONE,
        blocks=blocks(
            Words(text(code(found.command), " was run by ", Mention(found.requester, found.name), f": {found.reason}")),
            actions(show),
        ),
    )


async def _holds(ctx: Context, head: str) -> bool:
    """Whether a line has a hash that begins so."""
    seq = 0
    while rows := await ctx.store.audit_rows(seq, _SLICE):
        if any(row.hash.startswith(head) for row in rows):
            return True
        seq = rows[-1].seq
    return False


def _wanted(
    ctx: Context,
    person: str | None,
    verb: str | None,
    account: str | None,
    entity: str | None,
    since: str | None,
    result: Result | None,
    below: int | None,
) -> AuditFilter:
    """The filter for what was typed. Raises CommandError for a span that is none."""
    policy, me = ctx.services.policy, ctx.request.person.key
    ids = policy.people.ids(me if person in (None, "me") else str(person)) if person else ()
    start = ctx.now() - a_span(since, ["audit"], longest=_LONGEST, option="since") if since else None
    return AuditFilter(
        tuple(ids),
        " ".join((verb or "").split()).lower(),
        account or "",
        entity or "",
        result or "",
        start,
        None,
        below,
    )


def _name(ctx: Context, id_: str) -> str:
    """The name of the settings, or the asker's own; the bare id of whoever has none."""
    me = ctx.request.person
    return me.name if id_ == me.key and me.name else ctx.services.policy.people.name(id_)


def _row(ctx: Context, row: AuditRow) -> Sequence[str | Piece | Text]:
    entry = row.entry
    reason = f": {entry.reason}" if entry.reason else ""
    return (
        text(code(entry.command), f" in {entry.account}" if entry.account else "", reason),
        chip(_MARKS[entry.result], entry.result),
        Mention(entry.person, _name(ctx, entry.person)),
        Time(entry.at),
        entry.rule,
        number(row.seq),
    )


def _csv(name: str, rows: Sequence[AuditRow]) -> Attachment:
    columns = ("line", *(field.replace("_", " ") for field in AuditEntry.__struct_fields__), "hash")
    lines = [(row.seq, *msgspec.structs.astuple(row.entry), row.hash) for row in rows]
    return csv_of(name, columns, lines, title="Audit trail")


def _jsonl(name: str, rows: Sequence[AuditRow]) -> Attachment:
    encoder = msgspec.json.Encoder()
    lines = [encoder.encode({"line": row.seq, **msgspec.structs.asdict(row.entry), "hash": row.hash}) for row in rows]
    return Attachment(f"{name}.jsonl", b"".join(line + b"\n" for line in lines), "application/x-ndjson", "Audit trail")
