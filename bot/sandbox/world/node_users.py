"""The users that somebody gave a node: they come at once, last a day unless told otherwise, and go with the machine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from bot.sandbox.world.live import LiveNode
from bot.sandbox.world.refused import Refused, wrong_state

LASTS: Final = timedelta(days=1)
"""How long a user lasts whose expiry nobody named."""


class NodeUser(Struct, kw_only=True):
    """A user; the password and the key are forgotten as soon as they have come."""

    name: str
    is_admin: bool
    expires: datetime


def add(node: LiveNode, name: str, now: datetime, *, is_admin: bool, expires: datetime | None) -> None:
    """A new user. Raises `Refused` (409)."""
    _refuse_unready(node)
    if _find(node, name, now) is not None:
        raise Refused(409, "NodeUserExists", "The specified node user already exists.")
    node.users[name.lower()] = NodeUser(name=name, is_admin=is_admin, expires=expires or now + LASTS)


def update(node: LiveNode, name: str, now: datetime, expires: datetime | None) -> None:
    """Another expiry; a day from now where none is named. Raises `Refused` (404, 409)."""
    _refuse_unready(node)
    _need(node, name, now).expires = expires or now + LASTS


def delete(node: LiveNode, name: str, now: datetime) -> None:
    """The user goes. Raises `Refused` (404, 409)."""
    _refuse_unready(node)
    del node.users[_need(node, name, now).name.lower()]


def users(node: LiveNode, now: datetime) -> list[NodeUser]:
    """Those whose time is not over."""
    return [user for user in node.users.values() if user.expires > now]


def _find(node: LiveNode, name: str, now: datetime) -> NodeUser | None:
    user = node.users.get(name.lower())
    return user if user is not None and user.expires > now else None


def _need(node: LiveNode, name: str, now: datetime) -> NodeUser:
    user = _find(node, name, now)
    if user is None:
        raise Refused(404, "NodeUserNotFound", "The specified node user does not exist.")
    return user


def _refuse_unready(node: LiveNode) -> None:
    if node.state == "creating":
        raise Refused(409, "NodeBeingCreated", "The specified node is being created.")
    if node.state == "unusable":
        raise Refused(409, "NodeStateUnusable", "The specified node is unusable.")
    if node.state not in ("idle", "running", "offline"):
        raise wrong_state(f"The node is {node.state}")
