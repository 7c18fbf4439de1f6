"""A command as a button carries it: one line of text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def join(tokens: Sequence[str]) -> str:
    """The words of a command as one line, quoted where they have to be: ``job show 'my job'``."""
    return shlex.join(tokens)
