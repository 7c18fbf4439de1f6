"""What exit codes usually mean, on Linux and Windows, and how they are written.

Codes above 128 are 128 plus the signal that ended the process (POSIX shells), negative ones the signal itself; 125 to
127 are the shell's and the container engine's own; Windows writes NTSTATUS values, signed or not.
"""

from __future__ import annotations

import signal

from bot.domain.knowledge import find

_SHELL = 128
_UNSIGNED = 1 << 32
_LARGEST = 255
"""The largest exit code of Linux."""


def meaning(code: int) -> str:
    """The usual meaning in words, a sentence without its full stop; empty for a code that only the program knows."""
    found = find("exit", exit_code=code) if code else None
    return found.cause if found else ""


def written(code: int) -> str:
    """An exit code as it may be looked up: ``137 (SIGKILL)``, ``-1073741819 (0xC0000005)``, ``42``."""
    if name := _signal(code):
        return f"{code} ({name})"
    return f"{code} (0x{code % _UNSIGNED:08X})" if not 0 <= code <= _LARGEST else str(code)


def _signal(code: int) -> str:
    number = code - _SHELL if code > _SHELL else -code if code < -1 else 0
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
