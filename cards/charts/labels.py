"""Words on a picture: its head, and names that are longer than the room they have."""

from __future__ import annotations

from typing import Protocol

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.style import SIZES


class Shorten(Protocol):
    """Makes words fit into so much room."""

    def __call__(self, canvas: Canvas, words: str, size: float, room: float, *, bold: bool = False) -> str:
        """The words, or what fits of them."""
        ...


def head(
    canvas: Canvas, headline: str, subtitle: str, u: float, shorten: Shorten | None = None, note: str = ""
) -> float:
    """The finding in one or two lines, what it is about in one, and a note in one; returns where they end.

    ``shorten`` makes words fit, :func:`elided` where nothing else is said.
    """
    shorten = shorten or elided
    margin, y, size = SIZES.margin * u, 86 * u, SIZES.headline * u
    room = canvas.width - 2 * margin
    while size > SIZES.headline_least * u and canvas.measure(headline, size, bold=True) > room:
        size -= 2 * u
    first, second = _folded(canvas, headline, size, room, shorten)
    canvas.text(margin, y, first, size, style.INK, bold=True)
    if second:
        y += 60 * u
        canvas.text(margin, y, shorten(canvas, second, size, room, bold=True), size, style.INK, bold=True)
    if subtitle:
        y += 58 * u
        canvas.text(margin, y, shorten(canvas, subtitle, SIZES.text * u, room), SIZES.text * u, style.MUTED)
    if note:
        y += 58 * u
        words = shorten(canvas, note, SIZES.text * u, room, bold=True)
        canvas.text(margin, y, words, SIZES.text * u, style.IDLE_TEXT, bold=True)
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


def cut(canvas: Canvas, words: str, size: float, room: float, *, bold: bool = False) -> str:
    """The words, or as many of them as fit and an ellipsis."""
    if canvas.measure(words, size, bold=bold) <= room:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if canvas.measure(words[:middle].rstrip() + "…", size, bold=bold) <= room:
            low = middle
        else:
            high = middle - 1
    return words[:low].rstrip() + "…"


def _around(words: str, kept: int) -> str:
    """``kept`` characters of the words, half of them from the end."""
    tail = kept // 2
    return words[: kept - tail].rstrip() + "…" + words[len(words) - tail :].lstrip()


def _folded(canvas: Canvas, words: str, size: float, room: float, shorten: Shorten) -> tuple[str, str]:
    """A bold line broken where it has to be, if it does not fit: what fits, and the rest."""
    parts = words.split()
    for n in range(len(parts), 0, -1):
        first = " ".join(parts[:n])
        if canvas.measure(first, size, bold=True) <= room:
            return first, " ".join(parts[n:])
    return shorten(canvas, words, size, room, bold=True), ""
