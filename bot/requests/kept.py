"""What was right in a command is kept where a handler says that one of its values is wrong.

A handler knows the value that is wrong and what could have been meant; it need not know what else was typed. So a
correction is laid over the call, and shown only where it then can be run and differs in nothing else. Where it cannot,
the form is offered, with everything in it that was right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.requests.command import Call, Command, CommandError
from bot.requests.grammar import words
from bot.requests.registry import Registry
from bot.requests.universal import Given
from cards.command_line import join


def completed(registry: Registry, call: Call, error: CommandError, given: Given) -> CommandError:
    """The error that a handler raised about ``call``, with corrections of the whole command; ``given`` are the options
    of every change, which stand behind each of them.
    """
    if error.settled:
        return error
    known, typed = call.command, _given(call)
    nearest: list[str] = []
    helped: list[str] = []
    own = bool(error.at)
    for each in error.nearest:
        tokens = words(each)
        if tokens[:1] == ["help"]:
            helped.append(each)
            own = own or tokens[1:] == known.path.split()
        elif registry.find(tokens) is not known:
            nearest.append(each)  # another command, which shows what there is
        else:
            own = True
            fixed = _laid_over(registry, known, typed, tokens, {error.at, *error.instead_of})
            nearest += [given.after(fixed)] if fixed else []
    forms = list(error.forms)
    corrected = any(registry.find(words(each)) is known for each in nearest)
    if own and not corrected and any(not each.hidden for each in known.parameters):
        right = {name: value for name, value in typed.items() if name != error.at}
        forms.append(written(registry, known, right) or known.path)
    return CommandError(error.message, [*dict.fromkeys(nearest), *helped], at=error.at, forms=forms, settled=True)


def _laid_over(
    registry: Registry, known: Command, typed: Mapping[str, Any], correction: list[str], replaced: set[str]
) -> str:
    """The command as it was typed with a correction laid over it; empty where that cannot be run, or changes nothing.

    ``replaced`` are parameters that the correction stands in place of, whether it gives them or not.
    """
    if registry.fit(correction) != "whole":
        return ""
    fixed = _given(registry.parse(correction))
    meant = {name: value for name, value in typed.items() if name not in replaced} | fixed
    if meant in (typed, {**typed, "account": fixed.get("account")} if "account" not in typed else typed):
        return ""  # it is what was typed, and only names its account
    return written(registry, known, meant)


def _given(call: Call) -> dict[str, Any]:
    """What was given, by the parameter's name. ``window:7d`` is the window where it stands by itself."""
    positions = {each.name for each in call.command.parameters if each.positional and not each.many}
    return {
        name: value.removeprefix(f"{name}:") if name in positions and isinstance(value, str) else value
        for name, value in call.arguments.items()
        if value not in (None, ())
    }


def written(registry: Registry, known: Command, arguments: Mapping[str, Any]) -> str:
    """A command as it is typed, with these arguments; empty where they cannot be typed so that they are read again."""
    positional: list[str] = []
    options: list[str] = []
    for each in known.parameters:
        value = arguments.get(each.name)
        if value is None or value is False or value == ():
            continue
        if each.many:
            positional += map(str, value)
        elif each.positional:
            positional.append(str(value))
        else:
            options.append(each.name if each.kind == "flag" else f"{each.name}:{value}")
    tokens = [*known.path.split(), *registry.naming(known.path, positional), *options]
    wanted = {name: value for name, value in arguments.items() if value is not False}
    fit = registry.fit(tokens)
    if fit == "whole":
        read = {name: value for name, value in _given(registry.parse(tokens)).items() if value is not False}
        return join(tokens) if read == wanted else ""
    return join(tokens) if fit == "lacking" else ""
