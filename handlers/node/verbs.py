"""The buttons of the verbs of nodes: of one on its card, and of those that a list shows."""

from __future__ import annotations

from collections.abc import Sequence

from bot.azure.account import Account
from bot.azure.models import Node
from bot.domain.states import is_bad
from bot.requests.context import Context
from cards.card import Action
from handlers.shared.chosen_nodes import ALL
from handlers.shared.verbs import more, verb

_ALL = (
    ("Reboot…", "reboot"),
    ("Remove…", "remove"),
    ("Disable scheduling…", "disable-scheduling"),
    ("Enable scheduling…", "enable-scheduling"),
    ("Deallocate…", "deallocate"),
    ("Start…", "start"),
)
_OF_ONE = (("Temporary user…", "user"), ("Upload agent logs…", "upload-logs"))


def of_node(ctx: Context, source: Account, pool: str, node: Node) -> Sequence[Action | None]:
    """For the card of one node; those that the asker may not use, or that its state refuses, are left out."""
    deallocated = node.state.lower() == "deallocated"
    disabled = node.scheduling_state.lower() == "disabled"
    refused = {"enable-scheduling" if not disabled else "disable-scheduling"}
    refused |= {"deallocate", "reboot"} if deallocated else {"start"}
    rebooting = is_bad(node.state) and not disabled
    refused |= {"reboot"} if rebooting else set()
    return (
        verb(ctx, source, "Reboot", "node reboot", pool, node.id, how="form") if rebooting else None,
        verb(ctx, source, "Enable scheduling", "node enable-scheduling", pool, node.id) if disabled else None,
        more(ctx, source, "node", [pool, node.id], [each for each in (*_ALL, *_OF_ONE) if each[1] not in refused]),
    )


def of_list(ctx: Context, source: Account, pool: str, tokens: Sequence[str], bad: int) -> Sequence[Action | None]:
    """For a list of nodes that a filter of these words gave; ``bad`` of them do no work."""
    return (
        verb(ctx, source, "Replace broken nodes", "pool replace-broken", pool) if bad else None,
        more(ctx, source, "node", [pool, *(tokens or [ALL])], _ALL, label="Change these…"),
    )
