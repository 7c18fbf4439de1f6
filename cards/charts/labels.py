"""Words on a picture: its head, and names that are longer than the room they have."""

from __future__ import annotations

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.style import SIZES


def head(canvas: Canvas, headline: str, subtitle: str, u: float) -> float:
    """The finding in one or two lines and what it is about in one; returns where they end."""
    margin, y, size = SIZES.margin * u, 86 * u, SIZES.headline * u
    room = canvas.width - 2 * margin
    while size > SIZES.headline_least * u and canvas.measure(headline, size, bold=True) > room:
        size -= 2 * u
    first, second = _folded(canvas, headline, size, room)
    canvas.text(margin, y, first, size, style.INK, bold=True)
    if second:
        y += 60 * u
        canvas.text(margin, y, elided(canvas, second, size, room, bold=True), size, style.INK, bold=True)
    if subtitle:
        y += 58 * u
        canvas.text(margin, y, elided(canvas, subtitle, SIZES.text * u, room), SIZES.text * u, style.MUTED)
    return y


def elided(canvas: Canvas, words: str, size: float, room: float, *, bold: bool = False) -> str:
    """The words, or both their ends around an ellipsis: names of Batch differ at their ends."""
    words = " ".join(words.split())
    if canvas.measure(words, size, bold=bold) <= room:
        return words
    low, high = 0, len(words)
    while low < high:
        kept = (low + high + 1) // 2
        if canvas.measure(_around(words, kept), size, bold=bold) <= room:
            low = kept
        else:
            high = kept - 1
    return _around(words, low)


def _around(words: str, kept: int) -> str:
    """``kept`` characters of the words, half of them from the end."""
    tail = kept // 2
    return words[: kept - tail].rstrip() + "…" + words[len(words) - tail :].lstrip()


def _folded(canvas: Canvas, words: str, size: float, room: float) -> tuple[str, str]:
    parts = words.split()
    for n in range(len(parts), 0, -1):
        first = " ".join(parts[:n])
        if canvas.measure(first, size, bold=True) <= room:
            return first, " ".join(parts[n:])
    return elided(canvas, words, size, room, bold=True), ""
