"""What a form is called, and its button: ``Resize a pool`` and ``Resize`` for ``pool resize``."""

from __future__ import annotations

from bot.requests.command import Command
from cards.formatting import with_article

_VERBS = {
    "create": "Make",
    "set": "Change",
    "user": "Make a user",
    "stop-resize": "Stop the resize",
    "replace-broken": "Replace broken nodes",
    "enable-scheduling": "Enable scheduling",
    "disable-scheduling": "Disable scheduling",
    "upload-logs": "Upload logs",
    "delete-user": "Delete a user",
    "reactivate-failed": "Reactivate failed tasks",
    "regenerate-key": "Regenerate a key",
    "cancel-deletion": "Cancel the deletion",
    "priority": "Change the priority",
    "default": "Set the default version",
}
"""Where the word of a command is not the verb, or is more than one."""
_SEVERAL = {("node", "start"), ("node", "deallocate"), ("node", "remove"), ("node", "reboot"), ("task", "add")}
"""Verbs of several at once."""
_LABELS = {
    "filter": "Other conditions",
    "sort": "Sort by",
    "csv": "As a CSV file",
    "os": "Operating system",
    "gpu": "GPU",
    "mine": "In use here",
}
"""Where a parameter's name is not what its field is called."""


def label_of(parameter: str) -> str:
    """What the field of a parameter is called."""
    return _LABELS.get(parameter) or parameter.replace("_", " ").capitalize()


def title_of(command: Command) -> str:
    """What the form is for; a command that changes nothing of Azure is called by its own words."""
    noun, *between, verb = command.path.split() if len(command.path.split()) > 1 else ("", command.path)
    if not command.mark.azure or not noun:
        return command.path.capitalize()
    words = _verb(verb)
    if between:
        return f"{words} {' '.join(between)}"
    if " " in words:
        return words
    if (noun, verb) in _SEVERAL:
        return f"{words} {noun}s"
    return f"{words} {with_article(noun)}"


def button_of(command: Command) -> str:
    """The verb alone; ``Run`` where nothing of Azure is changed."""
    words = _verb(command.path.split()[-1])
    return words.split()[0] if command.mark.azure else "Run"


def _verb(word: str) -> str:
    return _VERBS.get(word, word.replace("-", " ").capitalize())
