"""A look at an account that one replica takes and another decides on: how it is stored, and read as a scene again.

A look is stored with what it found: the transitions, and the snapshots of all that is not as it was. From these
:class:`Mirror` keeps what is known of the account beside whoever decides, as the observer that took the look knows it:
so a look costs what changed in it, however large the account is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct, field

from bot.azure.clock import Doubt
from bot.azure.models.price import Prices
from bot.monitor.account_state import AccountState
from bot.monitor.intake import IntakeStatus
from bot.monitor.job_changes import OVER
from bot.monitor.scene import Area, Blindness, JobView, MoneyView, Scene
from storage.port.looks import Look, StoredLook
from storage.port.monitoring import Cursor, EntitySnapshot


class Figures(Struct):
    """What watching an account took so far of the replica that watches it, and seconds until it looks again.

    ``doubt`` is the last time of the service's that it did not believe. ``events`` is how the intake of diagnostic
    events stands, where there is one.
    """

    calls: int = 0
    bytes: int = 0
    throttled: int = 0
    wait: float = 30.0
    doubt: Doubt | None = None
    events: IntakeStatus | None = None


class _Body(Struct, omit_defaults=True):
    """Of a scene what is in no snapshot and is no transition."""

    at: datetime
    read: frozenset[Area] = frozenset()
    ended: tuple[JobView, ...] = ()
    blind: Blindness | None = None
    behind: Mapping[str, datetime] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Body).decode


def look_of(scene: Scene, figures: Figures) -> Look:
    """What is stored of a look, beside the change set of it."""
    body = _Body(scene.at, scene.read - {"money"}, scene.ended, scene.blind, scene.behind, figures)
    return Look(scene.account, _encode(body))


class Mirror:
    """An account as the replica knows it that watches it."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._state = AccountState()

    def restore(self, cursors: Sequence[Cursor], snapshots: Sequence[EntitySnapshot]) -> None:
        """Take up what is stored; looks that were stored before that, or after, may follow."""
        self._state = AccountState()
        self._state.restore(cursors, snapshots, ())

    def scene(self, look: StoredLook, prices: Prices, money: MoneyView | None) -> tuple[Scene, Figures] | None:
        """What the next look saw; None where another version stored it, and nobody can read it.

        ``money`` is how that stands, None where nobody knows.
        """
        self._state.take(look.snapshots)
        try:
            body = _decode(look.body)
        except msgspec.MsgspecError:
            return None
        state = self._state
        going = {name: view for name, view in state.jobs.items() if view.state != OVER}
        scene = Scene(
            account=self._account,
            at=body.at,
            read=body.read | {"money"} if money is not None and body.blind is None else body.read,
            pools=dict(state.pools),
            jobs=going | {view.id: view for view in body.ended if view.state == OVER},
            schedules=dict(state.schedules),
            quota=state.quota,
            news=tuple(look.transitions),
            ended=body.ended,
            blind=body.blind,
            prices=prices,
            money=money or MoneyView(),
            behind=body.behind,
        )
        return scene, body.figures
