"""Takes secrets out of text that comes piece by piece, such as a file on its way.

What comes out is what :func:`bot.content.redaction.redact` makes of the whole, wherever the pieces were cut: both look
at the same windows, and one that may go on in what is still to come is held back. What is held are lines, a mebibyte
at most of a line, or of lines that belong together.
"""

from __future__ import annotations

from bot.content.redaction import redact
from bot.content.redaction.windows import LONGEST, line_end, windows


class Redacting:
    """One text. Holds twice :data:`LONGEST` characters and a piece at most."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be given away of the text so far; for megabytes, call it in a thread."""
        self._held += text
        cut = self._cut()
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
        while len(held) - cut > LONGEST:  # an endless line is cut where the whole text would be
            cut = line_end(held, cut)
        last = cut
        for start, end in windows(held[:cut]):
            last = start if end == cut else cut
        return last
