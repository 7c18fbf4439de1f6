"""People whose name is not known, in words."""

from __future__ import annotations

_PLATFORMS = {"slack": "Slack", "teams": "Teams"}
_ENOUGH = 9
"""Characters of an id that tell two people apart: a whole one of Slack, the first group of a directory's."""


def unnamed(id_: str) -> str:
    """``slack:U0ADMIN01`` as ``somebody on Slack (U0ADMIN01)``; the id alone where it is a name, as in a terminal."""
    platform, _, own = id_.partition(":")
    if platform not in _PLATFORMS:
        return own or id_
    return f"somebody on {_PLATFORMS[platform]} ({own[:_ENOUGH].rstrip('-')})"
