"""An approval as people see it: the whole decision on one card, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from bot.policy.approvals import ApprovalNeed
from cards.build import actions, blocks, bold, code, facts, muted, refusal, text
from cards.card import Block, Bullets, Button, Card, Footer, Heading, Mark, Mention, Piece, Text, Time, Words
from cards.formatting import plural
from storage.port.approvals import Approval, ApprovalState, Vote
from storage.port.decoding import decoded

_MARKS: dict[ApprovalState, Mark] = {
    "pending": Mark.WARNING,
    "approved": Mark.CHANGING,
    "run": Mark.DONE,
    "denied": Mark.STOPPED,
    "withdrawn": Mark.STOPPED,
    "expired": Mark.STOPPED,
    "void": Mark.STOPPED,
    "emergency": Mark.FAILED,
    "acknowledged": Mark.DONE,
}
_WORDS: dict[ApprovalState, str] = {
    "pending": "waits for an approval",
    "approved": "was approved",
    "run": "was approved and begun",
    "denied": "was denied",
    "withdrawn": "was withdrawn",
    "expired": "expired: nobody decided in time",
    "void": "is void: what it was approved for has changed",
    "emergency": "ran as an emergency, without approval",
    "acknowledged": "ran as an emergency, and was acknowledged",
}
NOTHING_DONE: frozenset[ApprovalState] = frozenset({"denied", "withdrawn", "expired", "void"})


class Decision(Struct, frozen=True):
    """What the card of an approval says besides what became of it: what the change does, and who may approve.

    ``able`` are the ids of whoever may, by the rule; empty where whoever could run it may, and nobody is named.
    ``undoes`` is the operation that it takes back; empty for none.
    """

    blocks: tuple[Block, ...]
    able: dict[str, list[Mention]]
    undoes: str = ""


def state_word(state: ApprovalState) -> str:
    """A state in words, to follow what was asked for."""
    return _WORDS[state]


def needs_of(approval: Approval) -> list[ApprovalNeed]:
    """The rules that want an approval."""
    return decoded(approval.needs, list[ApprovalNeed]) or []


def undone_by(approval: Approval) -> str:
    """The operation that the change takes back; empty for none."""
    decision = decoded(approval.card, Decision)
    return decision.undoes if decision else ""


def shown(approval: Approval, missing: Sequence[tuple[ApprovalNeed, int]]) -> Card:
    """The card as it should be now. ``missing`` are the rules that are not satisfied, and by how many people."""
    decision = decoded(approval.card, Decision) or Decision((), {})
    pending, emergency = approval.state == "pending", approval.state == "emergency"
    return Card(
        title=text(
            Mention(approval.requester, approval.name), bold(f": “{approval.command}” {_WORDS[approval.state]}")
        ),
        mark=_MARKS[approval.state],
        blocks=blocks(
            facts(
                ("Reason", approval.reason),
                ("Account", approval.account),
                ("About", approval.target),
                ("Takes back", f"operation {decision.undoes}" if decision.undoes else ""),
                ("Asked", (Time(approval.asked),)),
            ),
            *decision.blocks,
            *(_who_may(decision, missing) if pending else ()),
            _votes(approval.votes),
            _what_if(approval) if pending or emergency else None,
            _buttons(approval),
            Footer(text(muted(f"{'Emergency' if emergency else 'Approval'} "), code(approval.id))),
        ),
    )


def _who_may(decision: Decision, missing: Sequence[tuple[ApprovalNeed, int]]) -> tuple[Block, ...]:
    lines: list[Text] = []
    for need, people in missing:
        able: list[str | Piece] = []
        for each in decision.able.get(need.rule, ()):
            able += [", " if able else "", each]
        who = able or ["whoever could run it"]
        lines.append(
            text(f"{need.why} {plural(people, 'more person', 'more people')} of: ", *who, muted(f" ({need.rule})"))
        )
    return (Heading("Who may approve"), Bullets(tuple(lines))) if lines else ()


def _votes(votes: Sequence[Vote]) -> Block | None:
    lines = [
        text(
            Mention(vote.person, vote.name),
            " agreed " if vote.yes else " said no ",
            Time(vote.at, "clock"),
            f": {vote.why}" if vote.why else "",
        )
        for vote in votes
    ]
    return Bullets(tuple(lines)) if lines else None


def _what_if(approval: Approval) -> Block:
    if approval.state == "emergency":
        return Words(text("Somebody else has to acknowledge it. A reminder comes ", Time(approval.expires), "."))
    return Words(text("If nobody decides, it expires ", Time(approval.expires), " and nothing is done."))


def _buttons(approval: Approval) -> Block | None:
    id_ = approval.id
    match approval.state:
        case "pending":
            return actions(
                Button("Approve", f"approve {id_}", style="primary"),
                Button("Deny…", f"deny {id_}", how="form", style="danger"),
                Button("Withdraw…", f"withdraw {id_}", how="form"),
            )
        case "emergency":
            return actions(Button("Acknowledge", f"audit ack {id_}", style="primary"))
    return None


def asked_card(approval: Approval, elsewhere: bool) -> Card:
    """The answer to whoever asked: it waits, until when, and who is asked. ``elsewhere``: somebody else sees it."""
    alone = "" if elsewhere else f" Nobody else reads this chat: whoever may approve can type approve {approval.id}."
    return Card(
        title=text(bold(f"“{approval.command}” waits for an approval.")),
        mark=Mark.WARNING,
        blocks=blocks(
            Words(text(f"Nothing is done until then.{alone} It expires ", Time(approval.expires), ".")),
            actions(
                Button("Show it", f"approval show {approval.id}"),
                Button("Withdraw…", f"withdraw {approval.id}", how="form"),
            ),
        ),
    )


def notice(approval: Approval, mentioned: bool = True) -> Card:
    """What whoever asked is notified of when it has ended, or is about to be run."""
    last = approval.votes[-1] if approval.votes else None
    by = (" by ", Mention(last.person, last.name)) if last and approval.state in ("approved", "denied") else ()
    why = f": {last.why}" if last and last.why else "."
    tail = "It is run now." if approval.state == "approved" else "Nothing was done."
    return Card(
        title=text(
            Mention(approval.requester, approval.name) if mentioned else None,
            " " if mentioned else None,
            bold(f"“{approval.command}” {_WORDS[approval.state]}"),
            *by,
            why,
        ),
        mark=_MARKS[approval.state],
        blocks=blocks(
            Words(text(tail)),
            actions(Button("Show it", f"approval show {approval.id}"), Button("Ask again", approval.command))
            if approval.state in NOTHING_DONE
            else None,
        ),
    )


def reminder(approval: Approval) -> Card:
    """Nobody has acknowledged an emergency in time."""
    return Card(
        title=text(bold("Nobody has acknowledged this emergency: "), code(approval.command)),
        mark=Mark.FAILED,
        blocks=blocks(
            Words(
                text(
                    Mention(approval.requester, approval.name), " ran it ", Time(approval.asked), f": {approval.reason}"
                )
            ),
            actions(
                Button("Acknowledge", f"audit ack {approval.id}", style="primary"),
                Button("Show it", f"approval show {approval.id}"),
            ),
        ),
    )


def void_card(approval: Approval, since: Sequence[Text]) -> Card:
    """What was approved is not what would be done now: nothing was done."""
    return Card(
        title=text(bold("It has changed since it was approved: nothing was done.")),
        mark=Mark.WARNING,
        blocks=blocks(
            Bullets(tuple(since)) if since else None,
            actions(Button("Ask again", approval.command, style="primary"), Button("Home", "home")),
        ),
        refused=True,
    )


def unknown_card(id_: str) -> Card:
    """There is no approval of this id."""
    return refusal(
        f"There is no approval “{id_}”.", "It may have been too long ago.", [Button("Approvals", "approvals")]
    )


def encoded(decision: Decision) -> bytes:
    """How it is stored."""
    return msgspec.json.encode(decision)


def moment_left(approval: Approval, now: datetime) -> bool:
    """Whether there is still time to decide."""
    return now < approval.expires
