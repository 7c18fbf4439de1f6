"""The options of a command as people write them: ``for 2 hours``, ``22:00 - 07:00``, ``ack ID``.

Only what the bot keeps for itself is changed so, and only where every word of the command stands there: nothing of
Azure is ever changed by a command that was spelled otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.requests.command import Command
from bot.requests.plain_words import times
from bot.requests.plain_words.tagging import ID, is_name
from bot.requests.registry import Registry

_ALERTS = ("ack", "snooze", "mute", "unmute", "unsubscribe")
_NEEDS_ID = frozenset({"ack", "snooze", "unmute", "unsubscribe"})
_UNTIL = frozenset({"alert mute", "alert snooze"})
"""Commands that hold until a time of day, too."""
_EMPTY = frozenset({"to", "by", "as", "until", "till", "the", "alert", "alerts", "it"})
"""Words that may stand between a command's own."""


def respelled(registry: Registry, tokens: Sequence[str]) -> list[str] | None:
    """The command with its words as the grammar has them; None where it is none, or changes something of Azure."""
    tokens = list(tokens)
    known = registry.find(tokens)
    if known is None:
        tokens = _aliased(tokens)
        known = registry.find(tokens)
    if known is None or known.mark.azure:
        return None
    path, behind = known.path.split(), tokens[len(known.path.split()) :]
    made = [*path, *(_hours(behind) if known.path == "alert hours" else _spans(known, behind))]
    return made if registry.fit(made) == "whole" else None


def _aliased(tokens: list[str]) -> list[str]:
    """``ack ID`` and ``acknowledge alert ID`` are ``alert ack ID``."""
    verb = {"acknowledge": "ack", "silence": "mute"}.get(tokens[0].lower(), tokens[0].lower())
    if verb not in _ALERTS:
        return tokens
    behind = [each for each in tokens[1:] if each.lower() not in ("alert", "alerts", "incident")]
    fits = ID.fullmatch(behind[0]) if verb in _NEEDS_ID and behind else behind and is_name(behind[0])
    return ["alert", verb, *behind] if fits else tokens


def _spans(known: Command, behind: Sequence[str]) -> list[str]:
    """``2 hours`` is ``2h``, and an option's name before its value is given to it: ``for 2h`` is ``for:2h``."""
    options = {each.name for each in known.parameters if not each.positional and each.kind != "flag"}
    made: list[str] = []
    at = 0
    while at < len(behind):
        low = behind[at].lower()
        span = times.span_of(behind[at], behind[at + 1]) if at + 1 < len(behind) else None
        halves = times.clock(" ".join(behind[at : at + 2])) if known.path in _UNTIL and at + 1 < len(behind) else ""
        step = 2 if span or halves else 1
        span = span or times.span(low)
        word = str(span) if span else halves or behind[at]
        if made and made[-1].lower() in options:
            made[-1] = f"{made[-1].lower()}:{word}"
        elif low in ("until", "till") and "for" in options:
            made.append("for")
        elif low == "for" and "for" not in options and at + 1 < len(behind):
            pass
        elif not (low in _EMPTY and at):
            made.append(word)
        at += step
    return made


def _hours(behind: Sequence[str]) -> list[str]:
    """The times of day in one word, and what stands behind them."""
    options = [each for each in behind if each.lower().startswith(("days:", "zone:", "days=", "zone="))]
    clock = times.hours(" ".join(each for each in behind if each not in options))
    return [clock, *options] if clock else list(behind)
