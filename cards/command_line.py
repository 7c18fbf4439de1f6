"""A command as a button carries it: one line of text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_CHOSEN = re.compile(r"(\w+:)?\{\}")


def join(tokens: Sequence[str]) -> str:
    """The words of a command as one line, quoted where they have to be: ``job show 'my job'``."""
    return shlex.join(tokens)


def join_template(tokens: Sequence[str]) -> str:
    """A menu's command: ``{}``, or ``of:{}``, stands for what is chosen and is not quoted: ``job show {}``."""
    return " ".join(token if _CHOSEN.fullmatch(token) else shlex.quote(token) for token in tokens)
