"""Message metadata: what an app writes on its messages for itself, and how much of it is told when they are read.

Rules from Slack's pages "Using message metadata" and "Designing metadata schema" and the error lists of
``chat.postMessage`` and ``chat.update``.
"""

from __future__ import annotations

import json
import re

from bot.sandbox.slack.api import Arguments
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.people import Json

MOST_BYTES = 8_000
"""Slack refuses ``metadata_too_large`` without telling the number; whoever stays below this one need not know it."""
IGNORED = "invalid_metadata_schema"
"""The warning that comes with a message whose ``event_type`` is none: it is posted, and its metadata are dropped."""

_EVENT_TYPE = re.compile(r"[A-Za-z0-9_-]+")
_SCALARS = (str, int, float)


def given(arguments: Arguments) -> tuple[Json | None, str]:
    """The ``metadata`` of a call (None: not given; empty: to be removed), and a warning.

    Refused: invalid_metadata_format (no object with ``event_type`` and ``event_payload``), invalid_metadata_schema
    (a payload with nulls, or with objects and lists within others), metadata_too_large.
    """
    metadata = arguments.structure("metadata", "invalid_metadata_format")
    if metadata is None or metadata == {}:
        return metadata, ""
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    kind, payload = metadata["event_type"], metadata["event_payload"]
    if not isinstance(kind, str) or not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata)) > MOST_BYTES:
        raise Refused("metadata_too_large")
    if not all(map(_sound, payload.values())):
        raise Refused("invalid_metadata_schema")
    if not _EVENT_TYPE.fullmatch(kind):
        return None, IGNORED
    return dict(metadata), ""


def _sound(value: object) -> bool:
    """A text, a number, a truth; a list of these; an object of these, or a list of such objects."""
    if isinstance(value, dict):
        return all(isinstance(part, _SCALARS) for part in value.values())
    if isinstance(value, list):
        return all(isinstance(part, _SCALARS) or (isinstance(part, dict) and _sound(part)) for part in value)
    return isinstance(value, _SCALARS)


def told(message: Json, *, whole: bool) -> Json:
    """A message as it is read back: without ``include_all_metadata`` only the ``event_type`` is told."""
    if whole or "metadata" not in message:
        return message
    return {**message, "metadata": {"event_type": message["metadata"]["event_type"]}}
