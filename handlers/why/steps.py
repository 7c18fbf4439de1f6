"""The buttons of a cause: its steps with the names filled in, of those that the asker may run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from bot.azure.account import Account
from bot.domain.diagnosis.model import OTHERS, Clue
from bot.domain.knowledge import Step
from bot.requests.context import Context
from cards.card import Button, How
from handlers.shared.common import line
from handlers.shared.verbs import may, target_of

_PLACE = re.compile(r"\{(\w+)\}")


def buttons(ctx: Context, source: Account, clue: Clue) -> list[Button]:
    """The step that mends first, and at most two others; those that nobody can run here are left out."""
    made = [each for each in (_button(ctx, source, step, clue.names) for step in clue.steps) if each is not None]
    return [replace(each, style="primary") if place == 0 else each for place, each in enumerate(made[: 1 + OTHERS])]


def _button(ctx: Context, source: Account, step: Step, names: Mapping[str, str]) -> Button | None:
    """One step; None where a name is not known, or the asker may not run it."""
    typed = step.command.split()
    known = ctx.registry.find(typed)
    if known is None or any(name not in names for name in _PLACE.findall(step.command)):
        return None
    flags = {each.name for each in known.parameters if each.kind == "flag"}
    given: list[str] = []
    options: dict[str, object] = {}
    for word in typed[len(known.path.split()) :]:
        name, colon, value = word.partition(":")
        if word in flags:
            options[word] = True
        elif colon and not name.startswith("{"):
            options[name] = _filled(value, names)
        else:
            given.append(_filled(word, names))
    how: How = "post"
    if step.changes or known.mark.effect != "read":
        if not may(ctx, source, known.path, target_of(known.path, given)):
            return None
        how = "form"  # what changes something shows what it would do before it does
    return Button(_filled(step.text, names), line(ctx, source, known.path, *given, **options), how=how)


def _filled(word: str, names: Mapping[str, str]) -> str:
    """A word with its names filled in."""
    return _PLACE.sub(lambda found: names[found[1]], word)
