"""What is typed at a terminal, a line at a time, and what is printed meanwhile: above the line, which stays.

Lines are read in a thread of their own that nobody waits for at the end: a program that is stopped must not wait for
somebody to press Enter.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from functools import partial
from typing import TextIO

from bot.clock import in_daemon

_CLEAR_LINE = "\r\x1b[K"


class Prompt:
    """A terminal that is written to, and whose keyboard is read, or files in its place."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._asking: str | None = None
        self._there = out.isatty() and sys.stdin.isatty()
        self._buffer: Callable[[], str] = str
        self._restore: Callable[[], None] = lambda: None
        if self._there:
            self._edit()

    def _edit(self) -> None:
        """Lines can be edited and called back, where the system can; its terminal is left as it was found."""
        with contextlib.suppress(ImportError):  # Windows has neither
            import readline  # noqa: PLC0415
            import termios  # noqa: PLC0415

            before = termios.tcgetattr(sys.stdin)
            self._buffer = readline.get_line_buffer
            self._restore = lambda: termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    async def line(self, asking: str) -> str:
        """What is typed after ``asking``. Raises EOFError at the end of what is typed."""
        self._asking = asking
        try:
            return await in_daemon(partial(input, asking), "keyboard")
        finally:
            self._asking = None

    def show(self, text: str) -> None:
        """Print a text; a line that is being typed goes on below it."""
        if self._there and self._asking is not None:
            print(f"{_CLEAR_LINE}{text}\n{self._asking}{self._buffer()}", end="", file=self._out, flush=True)
        else:
            print(text, file=self._out, flush=True)

    def close(self) -> None:
        """Leave the terminal as it was found."""
        self._restore()
