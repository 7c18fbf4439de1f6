"""Confirmation: what destroys something is asked about first, and run when the same person says yes.

A confirmation is kept in the store, so nothing that a client sends back is trusted but its id. It is bound to the
person, the conversation and a digest of the change as it was shown; it is used once and lasts five minutes. When it is
used the change is bound, judged and looked ahead at anew: where that gives another digest, it is asked about again.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.operations.preflight import Preflight
from cards.build import actions, blocks, bold, code, refusal, text
from cards.card import Bullets, Button, Card, Mark, Text, Time, Words
from storage.port.confirmations import Confirmation, ConfirmationStore

LASTS = timedelta(minutes=5)
"""Long enough to read what goes, short enough that it still stands as it was shown."""


@dataclass(frozen=True)
class Refused:
    """Why a confirmation does not hold. ``rule`` is its name in the audit trail."""

    rule: Literal["confirm.unknown", "confirm.person", "confirm.conversation", "confirm.used", "confirm.expired"]
    reason: str


_UNKNOWN = Refused("confirm.unknown", "There is nothing to confirm under that name any more.")
_PERSON = Refused("confirm.person", "Only whoever asked for it can confirm it.")
_CONVERSATION = Refused("confirm.conversation", "It can only be confirmed where it was asked for.")
_USED = Refused("confirm.used", "It was confirmed or dropped already.")
_EXPIRED = Refused("confirm.expired", "It was asked for more than five minutes ago, and may not stand as it was shown.")


def digest(change: str, account: str, found: Preflight) -> str:
    """What a confirmation holds for: the change with its arguments, its account, and what the look ahead found."""
    parts = [change, account, found.state, *found.effects]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Confirmations:
    """Asks for confirmations, and takes them."""

    def __init__(self, store: ConfirmationStore) -> None:
        self._store = store

    async def ask(
        self, command: str, found: Preflight, digested: str, *, person: str, conversation: str, now: datetime
    ) -> Card:
        """Keep a change and ask for it: the card says what it does, and carries the two buttons."""
        waiting = Confirmation(secrets.token_hex(8), person, conversation, command, digested, now + LASTS)
        await self._store.ask_confirmation(waiting)
        effects: tuple[Text, ...] = tuple(text(each) for each in found.effects)
        return Card(
            title=text(bold(f"Really run “{command}”?")),
            mark=Mark.WARNING,
            blocks=blocks(
                Bullets(effects) if effects else None,
                Words(text("It cannot be undone. The buttons are yours alone, and end ", Time(waiting.expires), ".")),
                actions(
                    Button("Yes, do it", f"confirm {waiting.id}", how="edit", style="danger"),
                    Button("No", f"confirm {waiting.id} no", how="edit"),
                ),
            ),
        )

    async def take(
        self, id_: str, request: str, *, person: str, conversation: str, now: datetime
    ) -> Confirmation | Refused:
        """Use a confirmation for a request: what was confirmed, or why it does not hold.

        Somebody else's is not used up by trying. A request that is answered anew after a crash may take it again.
        """
        found = await self._store.confirmation(id_)
        if found is None:
            return _UNKNOWN
        if found.person != person:
            return _PERSON
        if found.conversation != conversation:
            return _CONVERSATION
        found = await self._store.use_confirmation(id_, request, now)
        if found is None:
            return _UNKNOWN
        if found.used:
            return found if found.used == request else _USED
        return found if now < found.expires else _EXPIRED


def refused_card(refused: Refused) -> Card:
    """Nothing was done, and why."""
    return refusal(refused.reason, "Nothing was done. Ask for it again.", [Button("Home", "home")])


def dropped_card(command: str) -> Card:
    """Whoever was asked said no."""
    return Card(
        title=text(bold("Nothing was done.")),
        mark=Mark.STOPPED,
        blocks=blocks(Words(text(code(command), " was dropped.")), actions(Button("Home", "home"))),
    )
