"""Options that every change of Azure takes, whatever its signature: why it should be done, and that it cannot wait.

``pool resize gpu-a 64 --reason "the release is late"`` gives the reason that an approval wants;
``--emergency "the release is late"`` goes ahead without the approvals, for whoever the settings name. Both can be
written ``reason:…`` and ``emergency:…`` as other options are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.requests.command import Command, CommandError
from cards.command_line import Exact, join

_LONGEST = 500


@dataclass(frozen=True)
class Given:
    """What was given: the reason, and the reason of an emergency; empty where it was not."""

    reason: str = ""
    emergency: str = ""

    def after(self, command: str) -> str:
        """A command as it is typed, with these options behind it."""
        options = [
            f"--{name}={value}" for name, value in (("reason", self.reason), ("emergency", self.emergency)) if value
        ]
        return f"{command} {join(options)}" if options else command


NOTHING = Given()
NAMES = ("reason", "emergency")


def taken(known: Command | None, tokens: Sequence[str]) -> tuple[list[str], Given]:
    """The words of a command without these options, and what they give.

    Of a command that changes nothing of Azure, or that has an option of the name itself, the words stay as they are.
    Raises CommandError for an option without its reason, or with one that is too long.
    """
    if known is None or not known.mark.azure:
        return list(tokens), Given()
    own = {parameter.name for parameter in known.parameters}
    names = [name for name in NAMES if name not in own]
    rest: list[str] = []
    given: dict[str, str] = {}
    words = iter(tokens)
    for word in words:
        if word == "--" and not isinstance(word, Exact):  # behind it are names
            rest += [word, *words]
            break
        name, separator, value = ("", "", "") if isinstance(word, Exact) else _option(word, names)
        if not name:
            rest.append(word)
            continue
        value = (value if separator else next(words, "")).strip()
        if not value or value.startswith("--"):
            raise CommandError(f'--{name} needs a reason behind it, such as --{name} "the release is late".')
        if len(value) > _LONGEST:
            raise CommandError(f"A reason has {_LONGEST} characters at most; this has {len(value)}.")
        given[name] = value
    return rest, Given(**given)


def _option(word: str, names: Sequence[str]) -> tuple[str, str, str]:
    """The option that a word gives, how its value is parted from it, and the value; nothing for another word."""
    for name in names:
        if word.lower() == f"--{name}":
            return name, "", ""
        for start in (f"--{name}=", f"{name}:", f"{name}="):
            if word.lower().startswith(start):
                return name, start[-1], word[len(start) :]
    return "", "", ""
