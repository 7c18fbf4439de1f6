"""Links to things of Batch: which account and what in it an address leads to. Nothing is asked of anybody.

Read are

- addresses of the Azure portal, which name a resource by its id in Resource Manager: ``#@tenant/resource/ID``,
  ``#resource/ID`` and, percent-encoded, the parameter of a blade. What follows the account's id is a list (the account
  is meant then) or the path of something in it;
- addresses of Batch Explorer: ``ms-batch-explorer://route/pools/ID?accountId=ID`` and, as it was called before,
  ``ms-batchlabs://`` (the class BatchExplorerLink and the routes of github.com/Azure/BatchExplorer);
- addresses of the service itself, which errors and logs have: ``https://ACCOUNT.REGION.batch.azure.com/jobs/ID``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from bot.domain.entity import Entity, EntityKind

PORTALS = ("portal.azure.com", "portal.azure.us", "portal.azure.cn")
"""Hosts of the portal: public, US government and China."""
SERVICE = "batch.azure.com"
"""What the hosts of the service end with in the public cloud."""
LINKED_DOMAINS = (*PORTALS, SERVICE)
"""Domains whose links chats tell the bot of. Slack takes five of an app at most."""
_EXPLORER = ("ms-batch-explorer", "ms-batchlabs")
_LONGEST = 2_000
"""Characters of an address that is read."""
_ACCOUNT = re.compile(
    r"/subscriptions/[^/?#&]+/resourceGroups/[^/?#&]+/providers/Microsoft\.Batch/batchAccounts/(?P<name>[^/?#&]+)",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]+", re.IGNORECASE | re.ASCII)
_LINK = re.compile(r"(?:https|ms-batch-explorer|ms-batchlabs)://[^\s<>|\"'`]+", re.IGNORECASE)
_KINDS: dict[str, tuple[EntityKind, str]] = {
    "pools": ("pool", ""),
    "nodes": ("node", "pool"),
    "jobs": ("job", ""),
    "tasks": ("task", "job"),
    "jobschedules": ("schedule", ""),
}
"""What stands before an id in a path -> what it is the id of, and what that is part of."""


class Linked(Struct, frozen=True):
    """Where a link leads.

    ``account`` is the account's id in Resource Manager or the host of its data plane, in small letters; ``entity`` what
    is meant in it, None for the account itself.
    """

    account: str
    entity: Entity | None = None


def linked(url: str) -> Linked | None:
    """What a link leads to; None where it is nothing of Batch."""
    if len(url) > _LONGEST:
        return None
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if parts.scheme == "https" and host in PORTALS:
        return _by_id(unquote(unquote(parts.fragment)))
    if parts.scheme == "https" and host.endswith(f".{SERVICE}") and _HOST.fullmatch(host):
        return Linked(host, _within(parts.path))
    if parts.scheme in _EXPLORER:
        asked = parse_qs(parts.query)
        account = _by_id(unquote((asked.get("accountId") or [""])[0]))
        return Linked(account.account, _within(parts.path)) if account else _by_id(unquote(parts.path))
    return None


def links_in(text: str) -> list[str]:
    """The links to things of Batch in a text, each once, in their order."""
    found = (each.group().rstrip(".,;:!?)]}*_") for each in _LINK.finditer(text))
    return [url for url in dict.fromkeys(found) if linked(url)]


def _by_id(text: str) -> Linked | None:
    found = _ACCOUNT.search(text)
    return Linked(found.group().lower(), _within(text[found.end() :])) if found else None


def _within(path: str) -> Entity | None:
    """What a path below an account names; None for a list, or for what is no kind of its own."""
    steps = [unquote(step) for step in path.partition("?")[0].strip("/").split("/")]
    return _named(steps[1:] if steps[0].lower() == "standalone" else steps)


def _named(steps: Sequence[str]) -> Entity | None:
    found: Entity | None = None
    for step, name in zip(steps[::2], steps[1::2], strict=False):
        kind, parent = _KINDS.get(step.lower(), (None, ""))
        if kind is None or not name or parent != (found.kind if found else ""):
            break
        found = Entity(kind, name, found.id if found else "")
    return found
