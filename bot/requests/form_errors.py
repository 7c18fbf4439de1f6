"""Where in a form a mistake is said, and in which words."""

from __future__ import annotations

from bot.requests.command import Command, CommandError
from bot.requests.grammar import words
from cards.card import Form

_QUOTED = 60
"""Of a value, as messages quote it."""


def said(error: CommandError, form: Form) -> str:
    """What is wrong and, where there is a correction, the right words: ``There is no field “sate”. … Did you mean
    state:active?``.
    """
    message = error.message.partition(" Type ")[0]  # how it is typed helps nobody who fills in a form
    if not error.nearest or words(error.nearest[0])[:1] == ["help"]:
        return message
    filled = {form.command, *form.command.split(), *(each.value for each in form.fields)}
    filled |= {word for each in form.fields for word in each.value.split()}
    other = [each for each in words(error.nearest[0]) if each not in filled and not each.startswith("account:")]
    near = [each.removeprefix(f"{error.at}:") for each in other if each.partition(":")[2] not in filled]
    return f"{message} Did you mean {near[0]}?" if len(near) == 1 and near[0] not in message else message


def told_place(form: Form, at: str, message: str) -> str:
    """The field that a mistake is plainly about: the one named, or one whose value is quoted; empty for none."""
    if any(field.name == at for field in form.fields):
        return at
    quoted = (each.name for each in form.fields if each.value and f"“{each.value[:_QUOTED]}" in message)
    return next(quoted, "")


def place(form: Form, known: Command, at: str, message: str) -> str:
    """The field below which a mistake is said: that which it is about, or else that of a filter, or the last filled."""
    if told := told_place(form, at, message):
        return told
    names = [field.name for field in form.fields]
    many = [each.name for each in known.parameters if each.many and each.name in names]
    filled = [each.name for each in form.fields if each.value]
    return next(iter([*many, *reversed(filled), *names]), "")
