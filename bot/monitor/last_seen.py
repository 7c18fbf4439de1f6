"""An account as watching stored it last, for whoever does not watch it: a list, a recommendation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.monitor.account_state import AccountState
from storage.port.monitoring import Cursor
from storage.port.store import Store


async def last_seen(store: Store, account: str, cursors: Sequence[Cursor] = ()) -> AccountState:
    """What was seen of an account last; nothing where nothing ever watched it."""
    state = AccountState()
    await asyncio.to_thread(state.restore, cursors, await store.snapshots(account), ())
    return state
