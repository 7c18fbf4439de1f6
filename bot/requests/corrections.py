"""Did you mean: the nearest commands to what was typed and is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cyclopts
from rapidfuzz import fuzz, process

from bot.requests.command import Command, CommandError
from cards.command_line import join


def unknown(commands: Mapping[str, Command], tokens: Sequence[str]) -> CommandError:
    """No command begins like that; ``commands`` are those that there are, by path."""
    typed = " ".join(tokens[:2]).lower()
    verbs = [known.path for known in commands.values() if known.noun == tokens[0].lower()] if tokens else []
    if verbs and len(tokens) == 1:
        return CommandError(f"What about {tokens[0]}?", verbs[:5])
    found = process.extract(typed, list(commands), scorer=fuzz.WRatio, limit=3, score_cutoff=60)
    nearest = [path for path, _, _ in found] or verbs
    rest = list(tokens[2:])
    offered = [join([*path.split(), *rest]) if len(path.split()) > 1 else path for path in nearest[:3]]
    if verbs and len(tokens) == 2 and f"{tokens[0].lower()} show" in commands:
        offered.append(join([tokens[0].lower(), "show", tokens[1]]))
    if not offered:
        offered.append("help")
    return CommandError(f"I know no command “{' '.join(tokens[:2])}”.", list(dict.fromkeys(offered)))


def mistake(known: Command, tokens: Sequence[str], error: cyclopts.CycloptsError) -> CommandError:
    """The command is known, but not what was typed behind it (``tokens``)."""
    match error:
        case cyclopts.MissingArgumentError(argument=cyclopts.Argument(field_info=missing)):
            message = f"“{known.path}” needs a {missing.name.rstrip('_')}: {known.usage}"
        case cyclopts.UnusedCliTokensError(unused_tokens=[*rest]) if rest:
            message = f"“{known.path}” does not know what to do with “{' '.join(rest)}”: {known.usage}"
        case _:
            message = " ".join(str(error).split()).replace("--", "")
    nearest = [
        join([*known.path.split(), *tokens[:index], fixed, *tokens[index + 1 :]])
        for index, token in enumerate(tokens)
        if (fixed := _respelled(known, token))
    ]
    return CommandError(message, [*nearest, join(["help", *known.path.split()])])


def _respelled(known: Command, token: str) -> str | None:
    """``stat:actve`` → ``state:active``; None where the word is right or nothing is near."""
    name, found, value = token.partition(":")
    options = {parameter.name: parameter for parameter in known.parameters if not parameter.positional}
    if not found or not options:
        return None
    near = process.extractOne(name.lower(), list(options), score_cutoff=60)
    if not near:
        return None
    choices = options[near[0]].choices
    if choices and value not in choices:
        best = process.extractOne(value.lower(), list(choices), score_cutoff=50)
        value = best[0] if best else value
    fixed = f"{near[0]}:{value}"
    return fixed if fixed != token else None
