"""The request that a change is run by which others agreed to."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bot.chat.request import CommandRequest
from storage.port.approvals import Approval
from storage.port.decoding import decoded

_RUN = "approval run"
"""The command that an approved change is run by."""


def key_of(approval: Approval) -> str:
    """The key of the request that an approved change is run by."""
    return f"approval:{approval.id}"


def request_of(approval: Approval, now: datetime) -> CommandRequest | None:
    """The request that an approved change is run by: its requester's, where it was asked; None if it cannot be read.

    The groups that the requester was in when it was asked count no more: the platform is asked anew.
    """
    asked = decoded(approval.request, CommandRequest)
    if asked is None:
        return None
    return replace(
        asked,
        person=replace(asked.person, groups=()),
        key=key_of(approval),
        text=f"{_RUN} {approval.id}",
        values={},
        how="post",
        message=None,
        reply_url="",
        at=now,
    )
