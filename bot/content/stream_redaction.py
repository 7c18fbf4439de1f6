"""Takes secrets out of text that comes piece by piece, such as a file on its way.

What :func:`bot.content.redaction.redact` finds is found here too, wherever the pieces were cut, as long as it stands
in one line, is a private key, or is the value of a name in the line before. What it would find across other
lines (a tag that is closed further down) may be missed where a piece ends in between: lines are what is kept together.
"""

from __future__ import annotations

import re

from bot.content.redaction import redact

LONGEST = 1 << 20
"""Characters of a line, or of a private key, that are held together."""
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_END = "PRIVATE KEY"
_INSIDE = re.compile(r"(?:[^\n]*\n)(?:[A-Za-z0-9+/=]{1,100}\r?\n|[\w-]{1,20}: [^\n]{0,200}\n|\s*\n)*")
"""The line that opens a private key, and the lines that may be of it."""


class Redacting:
    """One text. Holds :data:`LONGEST` characters and a piece at most."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be given away of the text so far; for megabytes, call it in a thread."""
        self._held += text
        cut = self._cut()
        if not cut and len(self._held) > LONGEST:
            cut = self._held.rfind(" ", LONGEST // 2) + 1 or len(self._held)
        ready, self._held = self._held[:cut], self._held[cut:]
        return redact(ready)

    def rest(self) -> str:
        """What was held back, at the end of the text."""
        ready, self._held = self._held, ""
        return redact(ready)

    def _cut(self) -> int:
        """The place behind the last line that does not go on in what is still to come; 0 where there is none."""
        held = self._held
        cut = held.rfind("\n") + 1
        while cut and '"name"' in held[(start := held.rfind("\n", 0, cut - 1) + 1) : cut]:
            cut = start  # its value may stand in the next line
        *_, last = [None, *_KEY.finditer(held, 0, cut)]
        if last is not None and _END not in held[last.end() + len("-----\n") : cut]:
            inside = _INSIDE.match(held, last.start())
            if inside is None or inside.end() >= cut:
                return held.rfind("\n", 0, last.start()) + 1
        return cut
