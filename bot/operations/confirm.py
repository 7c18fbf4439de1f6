"""Confirmation: what destroys something is asked about first, and run when the same person says yes.

So is what only changes something, where its preflight asks for it. A confirmation is kept in the store, so nothing that
a client sends back is trusted but its id. It is bound to the person, the conversation and a digest of the change as it
was shown; it is used once and lasts five minutes. Where much is destroyed, the name of what goes has to be typed. When
it is used the change is bound, judged and looked ahead at anew: where that gives another digest, it is asked about
again, with what has changed meanwhile and by whom.

The same way whoever asks for a change that others must agree to is asked why it should be done.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from bot.content.redaction import redact
from bot.operations.preflight import Preflight
from bot.operations.shown import Figures, what_it_does
from cards.build import actions, blocks, bold, code, refusal, text
from cards.card import Bullets, Button, Card, Mark, Mention, Text, Time, Words
from storage.port.audit import AuditFilter, AuditStore
from storage.port.confirmations import Confirmation, ConfirmationStore
from storage.port.decoding import decoded

LASTS = timedelta(minutes=5)
"""Long enough to read what goes, short enough that it still stands as it was shown."""

Rule = Literal[
    "confirm.unknown", "confirm.person", "confirm.conversation", "confirm.used", "confirm.expired", "confirm.name",
    "confirm.reason", "confirm.answer",
]  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """Why a confirmation does not hold. ``rule`` is its name in the audit trail; ``again`` may be tried once more."""

    rule: Rule
    reason: str
    again: tuple[Button, ...] = ()


_UNKNOWN = Refused("confirm.unknown", "There is no longer anything to confirm under that name.")
_PERSON = Refused("confirm.person", "Only whoever asked for it can confirm it.")
_CONVERSATION = Refused("confirm.conversation", "It can only be confirmed where it was asked for.")
_USED = Refused("confirm.used", "It was already confirmed or dropped.")
_EXPIRED = Refused("confirm.expired", "It was asked for more than five minutes ago, and may not stand as it was shown.")

YES = "yes"
NO = frozenset({"no", "n", "cancel"})
"""Words that drop a change. What is neither yes nor one of these is asked about again."""


@dataclass(frozen=True)
class Answer:
    """What was answered: the word that was typed (yes, no, or the name of what goes), or the reason that was given."""

    word: str = YES
    reason: str = ""

    def drops(self, found: Confirmation) -> bool:
        """Whether it says no. What goes may itself be called so, and its name is a yes."""
        word = self.word.strip().casefold()
        return word in NO and not (found.name and word == found.name.casefold())


@dataclass(frozen=True)
class Asked:
    """A change that is to be asked about: the command that is run then, what it is about, and what was found ahead.

    ``since`` says what has changed since it was asked about before, a line each. ``reasons`` are the sentences that say
    why others must agree, where a reason is asked for instead of a yes. ``final`` says that it cannot be undone.
    ``question`` asks for it without a question mark, and ``place`` names its account where there are several.
    ``through`` is what it was asked through where that is not the chat.
    """

    command: str
    account: str
    target: str
    found: Preflight
    digest: str
    since: tuple[Text, ...] = ()
    reasons: tuple[str, ...] = ()
    final: bool = True
    question: str = ""
    place: str = ""
    through: str = ""


class Confirmations:
    """Asks for confirmations, and takes them."""

    def __init__(self, store: ConfirmationStore) -> None:
        self._store = store

    async def ask(self, asked: Asked, *, person: str, conversation: str, now: datetime) -> Card:
        """Keep a change and ask for it: the card says what it does, and carries the two buttons."""
        waiting = Confirmation(
            secrets.token_hex(8),
            person,
            conversation,
            asked.command,
            asked.digest,
            now + LASTS,
            name="" if asked.reasons else asked.found.name,
            reason=bool(asked.reasons),
            account=asked.account,
            target=asked.target,
            asked=now,
            shown=msgspec.json.encode(replace(Figures.of(asked.found), through=asked.through)),
        )
        await self._store.ask_confirmation(waiting)
        return _question(asked, waiting)

    async def find(self, id_: str) -> Confirmation | None:
        """A confirmation as it stands; None where there is none."""
        return await self._store.confirmation(id_)

    async def take(
        self, id_: str, request: str, answer: Answer, *, person: str, conversation: str, now: datetime
    ) -> Confirmation | Refused:
        """Use a confirmation for a request: what was confirmed, or why it does not hold.

        Somebody else's is not used up by trying, nor one's own by a name or an answer that is none. A request that is
        answered anew after a crash may take it again.
        """
        found = await self._store.confirmation(id_)
        if found and (found.person != person or found.conversation != conversation):
            return _PERSON if found.person != person else _CONVERSATION
        open_ = found and not answer.drops(found) and not found.used and now < found.expires
        if found and open_ and (missing := _missing(found, answer)):
            return missing
        found = await self._store.use_confirmation(id_, request, now)
        if found is None:
            return _UNKNOWN
        if found.used:
            return found if found.used == request else _USED
        return found if now < found.expires else _EXPIRED


async def changed_since(
    store: AuditStore, before: Confirmation, found: Preflight, platform: str, *, surely: bool = True
) -> list[Text]:
    """What has changed since a change was asked about, and who changed it as far as the bot did: a line each.

    ``platform`` is the asker's: people of another one are named without a mention. Where it is not known
    ``surely`` that something has changed, nothing is said where the bot changed nothing.
    """
    shown = decoded(before.shown, Figures) or Figures({})
    lines: list[Text] = [text(each) for each in shown.changed(Figures.of(found))]
    wanted = AuditFilter(account=before.account, target=before.target, result="done", since=before.asked)
    rows = await store.audit_search(wanted, 3) if before.target and before.asked else []
    for row in reversed(rows):
        if row.entry.target == before.target:
            who = row.entry.person
            named = Mention(who) if who.startswith(f"{platform}:") else who
            lines.append(text("By ", named, ": ", code(row.entry.command), " ", Time(row.entry.at)))
    if not lines and not surely:
        return []
    return lines or [text("It has changed since you were asked, and not through the bot.")]


def asked_through(found: Confirmation) -> str:
    """What a change was asked through, in words; empty where that was the chat."""
    shown = decoded(found.shown, Figures)
    return shown.through if shown else ""


def _question(asked: Asked, waiting: Confirmation) -> Card:
    asks = f"{asked.question or f'Run “{redact(asked.command)}”'}{asked.place}"
    title, last = f"{asks}?", ""
    if waiting.reason:
        title, last = (
            f"{asks}? Others must agree to it: why should it be done?",
            "They are shown what you write. ",
        )
        yes = Button("Say why…", f"request {waiting.id}", how="form", style="primary")
    elif waiting.name:
        last = f"Type {waiting.name} to confirm it. "
        yes = Button("Type the name…", f"confirm {waiting.id}", how="form", style="danger")
    else:
        yes = Button("Yes, do it", f"confirm {waiting.id}", how="edit", style="danger")
    if asked.final and not waiting.reason:
        last += "It cannot be undone. "
    return Card(
        title=text(bold(title)),
        mark=Mark.WARNING,
        blocks=blocks(
            Words(text(bold("It has changed since you looked."))) if asked.since else None,
            Bullets(asked.since) if asked.since else None,
            *what_it_does(asked.found),
            Words(text(" ".join(asked.reasons))) if asked.reasons else None,
            Words(text(last, "The buttons are yours alone, and end ", Time(waiting.expires), ".")),
            actions(yes, Button("No", f"confirm {waiting.id} no", how="edit")),
        ),
    )


def _missing(found: Confirmation, answer: Answer) -> Refused | None:
    """What a yes lacks: the name of what goes, the reason, or the yes itself."""
    if found.reason and not answer.reason.strip():
        again = Button("Say why…", f"request {found.id}", how="form", style="primary")
        return Refused("confirm.reason", "Say why it should be done.", (again,))
    word = answer.word.strip()
    if found.name and word.casefold() != found.name.casefold():
        again = Button("Type the name…", f"confirm {found.id}", how="form", style="danger")
        typed = f"“{word[:60]}” is not its name" if word else "The name is missing"
        return Refused("confirm.name", f"{typed}: type {found.name} to confirm it.", (again,))
    if not found.name and word.casefold() != YES:
        yes = Button("Yes, do it", f"confirm {found.id}", how="edit", style="danger")
        no = Button("No", f"confirm {found.id} no", how="edit")
        return Refused("confirm.answer", f"“{word[:60]}” is neither yes nor no. It still waits for one.", (yes, no))
    return None


def refused_card(refused: Refused) -> Card:
    """Nothing was done, and why."""
    advice = "Nothing was done." if refused.again else "Nothing was done. Ask for it again."
    return refusal(refused.reason, advice, refused.again or [Button("Home", "home")])


def dropped_card(command: str, buttons: Sequence[Button] = ()) -> Card:
    """Whoever was asked said no."""
    return Card(
        title=text(bold("Nothing was done.")),
        mark=Mark.STOPPED,
        blocks=blocks(Words(text(code(command), " was dropped.")), actions(*buttons, Button("Home", "home"))),
    )
