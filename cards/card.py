"""The neutral card: immutable data with no word of any platform in it.

A card can be stored, rendered again for an edit and golden-tested for every platform without a
network. Renderers (:mod:`cards.slack.message`, :mod:`cards.teams.message`, :mod:`cards.text`) turn it into payloads
and own every limit of their platform.

The first line of a card is the answer: a mark, what it is about, its state and the one number.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from cards.charts.bars import BarChart
from cards.charts.heatmap import HeatMap
from cards.charts.scaling import Scaling
from cards.charts.timeline import Timeline
from cards.charts.topology import Topology
from cards.charts.trend import TrendChart
from cards.charts.usage import UsageChart

Chart: TypeAlias = UsageChart | HeatMap | Topology | Timeline | Scaling | BarChart | TrendChart
"""Every chart specification there is; each is drawn by :func:`cards.charts.draw.draw`."""


class Mark(enum.Enum):
    """Severity and state as one thing: a colour *and* a symbol (the word comes from the entity)."""

    RUNNING = "running"
    IDLE = "idle"
    CHANGING = "changing"
    DONE = "done"
    FAILED = "failed"
    WARNING = "warning"
    STOPPED = "stopped"
    NEUTRAL = "neutral"

    @property
    def symbol(self) -> str:
        """One character that shows the state without colour; empty for NEUTRAL."""
        return _SYMBOLS[self]


_SYMBOLS = {
    Mark.RUNNING: "●",
    Mark.IDLE: "○",
    Mark.CHANGING: "◐",
    Mark.DONE: "✔",
    Mark.FAILED: "✖",
    Mark.WARNING: "▲",
    Mark.STOPPED: "■",
    Mark.NEUTRAL: "",
}


class Span(Struct, frozen=True, tag="span"):
    """A run of text in one style. The text is literal: renderers escape whatever their platform interprets."""

    text: str
    style: Literal["plain", "bold", "italic", "code", "muted"] = "plain"


class Chip(Struct, frozen=True, tag="chip"):
    """A state: symbol, colour and word, for example ``● running``."""

    mark: Mark
    word: str


class Time(Struct, frozen=True, tag="time"):
    """A moment (aware). Shown in the card's zone; ``both`` is "14 min ago, 13:48", relative to ``as_of``."""

    at: datetime
    form: Literal["both", "age", "clock"] = "both"


class Mention(Struct, frozen=True, tag="mention"):
    """A person who is notified. ``id`` is ``platform:id``; on other platforms and in files it is only the name."""

    id: str
    name: str = ""


Piece: TypeAlias = Span | Chip | Time | Mention
Text: TypeAlias = tuple[Piece, ...]


class Words(Struct, frozen=True, tag="words"):
    """One paragraph. ``while_live`` says that it is true only while its answer goes on, and left out afterwards."""

    text: Text
    while_live: bool = False


class Heading(Struct, frozen=True, tag="heading"):
    """The name of the section that follows."""

    text: str


class Fact(Struct, frozen=True):
    """A label and its value."""

    label: str
    value: Text


class Facts(Struct, frozen=True, tag="facts"):
    """Labelled values, shown in two columns at most."""

    items: tuple[Fact, ...]


class Column(Struct, frozen=True):
    """A table column. On a narrow platform columns go from the highest ``rank`` down (0 always stays).

    The first column is the row's name, the second its state. ``beneath`` is for what is wrong with a row: chats show it
    on a line of its own beneath the name and the state, where no screen is too narrow for it, and never leave it out;
    an empty cell takes no line. A terminal has it as a column.
    """

    name: str
    align: Literal["left", "right"] = "left"
    rank: int = 0
    width: int = 1
    """How much of the table's width its words may take where they are long and the platform knows widths."""
    beneath: bool = False


class Row(Struct, frozen=True):
    """A table row, one cell per column."""

    cells: tuple[Text, ...]


class Table(Struct, frozen=True, tag="table"):
    """Rows under columns."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class Bullets(Struct, frozen=True, tag="bullets"):
    """A short list. Without ``dots`` its items begin with a mark of their own."""

    items: tuple[Text, ...]
    dots: bool = True


class Code(Struct, frozen=True, tag="code"):
    """Verbatim text. When it has to be cut, ``keep`` says which end matters."""

    text: str
    keep: Literal["head", "tail"] = "head"


class Picture(Struct, frozen=True, tag="picture"):
    """A chart as an image. ``alt`` gives the figures to those who cannot see it; ``key`` names the image.

    ``native`` lets a platform that draws charts itself draw this one, where it is small enough and loses nothing.
    """

    key: str
    alt: str
    chart: Chart
    title: str = ""
    native: bool = False


class Attachment(Struct, frozen=True, tag="attachment"):
    """A file that comes with the card, such as a list as CSV. ``kind`` is its media type; ``name`` has no folders.

    The card shows one line of it. Slack gets the file into the message's thread, Teams a signed link that expires.
    """

    name: str
    content: bytes
    kind: str
    title: str = ""


class Progress(Struct, frozen=True, tag="progress"):
    """``done`` of ``total`` as a bar with figures."""

    label: str
    done: float
    total: float
    unit: str = ""
    mark: Mark = Mark.RUNNING


How: TypeAlias = Literal["edit", "post", "form"]
"""What a click does: ``edit`` replaces the message, ``post`` answers below it, ``form`` opens the command's form."""


class Button(Struct, frozen=True, tag="button"):
    """A button carries a command, written as a person would type it (without ``/batch``)."""

    text: str
    command: str
    how: How = "post"
    style: Literal["default", "primary", "danger"] = "default"
    current: bool = False
    """True for the choice that is shown now (a window, a page)."""


class Link(Struct, frozen=True, tag="link"):
    """A button that opens an HTTPS address."""

    text: str
    url: str


class Option(Struct, frozen=True):
    """One line of a menu. ``value`` takes the place of ``{}`` in the menu's command, quoted as needed."""

    text: str
    value: str


class Menu(Struct, frozen=True, tag="menu"):
    """A select. ``command`` has one ``{}`` where the chosen value goes.

    ``asks`` says that the options are names and the command's form asks for one: where a platform cannot carry all of
    them, a button opens that form, in which they are completed while they are typed.
    """

    label: str
    command: str
    options: tuple[Option, ...]
    how: How = "post"
    asks: bool = False


Action: TypeAlias = Button | Link | Menu


class Actions(Struct, frozen=True, tag="actions"):
    """Buttons and menus, the likely one first, five at most in good taste.

    ``shown`` is how many are in sight; the others are in one menu, "More". 0: all of them are.
    """

    items: tuple[Action, ...]
    shown: int = 0


class Footer(Struct, frozen=True, tag="footer"):
    """Small print: notes, sources, what was left out. ``while_live`` as for :class:`Words`."""

    text: Text
    while_live: bool = False


Foldable: TypeAlias = Words | Heading | Facts | Table | Bullets | Code | Progress


class Fold(Struct, frozen=True, tag="fold"):
    """What only who wants more sees: behind a button of that ``title``.

    Where a platform cannot unfold it in place, ``command`` answers with the card unfolded, in the same message, or, of
    an ``opened`` one, folded again. A terminal scrolls and shows it all, under the title where no heading is in it.
    """

    title: str
    blocks: tuple[Foldable, ...]
    command: str = ""
    opened: bool = False


Block: TypeAlias = (
    Words | Heading | Facts | Table | Bullets | Code | Picture | Attachment | Progress | Actions | Footer | Fold
)


class Card(Struct, frozen=True):
    """An answer.

    ``as_of`` is when it was last true by the service's clock (aware; the moment ages are counted from),
    ``zone`` the IANA name of the time zone of whoever reads it, ``refused`` True where the bot could not do
    what was asked (``batchbot ask`` exits 1), ``private`` True where only the asker may see it. ``secrets`` are texts
    in it that are shown and stored nowhere, such as a password (:func:`cards.build.forget_shown_secrets`).
    """

    title: Text
    blocks: tuple[Block, ...] = ()
    mark: Mark = Mark.NEUTRAL
    as_of: datetime | None = None
    zone: str = "UTC"
    refused: bool = False
    private: bool = False
    secrets: tuple[str, ...] = ()


FieldKind: TypeAlias = Literal["text", "number", "choice", "choices", "flag", "date", "time", "moment", "name", "file"]
"""What an input takes, and how its value is written, which is always text:

- ``text`` and ``name`` what was typed or chosen; ``number`` digits; ``flag`` ``true`` or ``false``;
- ``choice`` one option's value, ``choices`` the values of several joined by commas (so none holds a comma);
- ``date`` ``2026-11-23``, ``time`` ``22:00``, ``moment`` ``2026-11-23T21:00Z``, in UTC, shown in the form's zone;
- ``file`` what was pasted, or, where the platform takes files in a form, ``file:ID`` of each one, joined by commas.
"""


class Field(Struct, frozen=True):
    """One input of a form. ``name`` is the command's parameter.

    A field of kind ``name`` takes the name of something that exists and is completed while it is typed; ``names`` says
    of what (pool, job, node, …). Any other name can be given too. A ``value`` is never lost: a choice that is not among
    the options is shown all the same.
    """

    name: str
    label: str
    kind: FieldKind = "text"
    hint: str = ""
    value: str = ""
    options: tuple[Option, ...] = ()
    required: bool = False
    names: str = ""
    default: str = ""
    """What holds where nothing is filled in, in words; it stands in the label."""
    refresh: bool = False
    """The form is checked again whenever this changes."""
    lines: bool = False
    """A text of several lines."""
    more: bool = False
    """One of those that only who wants more is asked."""
    error: str = ""
    """What is wrong with the value."""
    least: int | None = None
    most: int | None = None
    """Bounds of a number, or of how many files or choices (``most``)."""
    pasted_in: str = ""
    """Of a ``file``: the field that takes the same as text. A platform without files in forms shows that one alone."""
    reset: bool = False
    """The program put the value there: it takes the place of what was filled in."""


class Note(Struct, frozen=True):
    """A line at the foot of a form that is only read: a price, whether a name is free, what would be posted."""

    text: Text
    mark: Mark = Mark.NEUTRAL


class Form(Struct, frozen=True):
    """The form of one command, made from its signature. ``command`` is its path, such as ``pool list``.

    ``how`` says where the answer goes after submission; ``notes`` stand at the foot. ``live`` is True for a form that
    is checked while it is open and before it is taken, ``opened`` where the fields behind "More…" are shown. ``danger``
    is True where something is destroyed: its button says so where the platform can. ``zone`` is the IANA name of the
    zone in which moments are shown and read.
    """

    title: str
    command: str
    fields: tuple[Field, ...]
    intro: str = ""
    submit: str = "Run"
    how: Literal["edit", "post"] = "post"
    notes: tuple[Note, ...] = ()
    live: bool = False
    opened: bool = False
    zone: str = "UTC"
    danger: bool = False

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by the field's name; empty where it can be taken."""
        return {field.name: field.error for field in self.fields if field.error}


class Rendered(Struct, frozen=True):
    """What a renderer returns.

    ``payload`` is the platform's message body (Slack: ``{"text", "blocks"}``; Teams: the Adaptive Card;
    text: ``{"text"}``), ``summary`` one plain line for notifications, ``pictures`` and ``attachments`` the images and
    files still to be delivered, ``omitted`` what had to go, in words, which the payload says too. ``modern`` says that
    the payload has something in it that not every workspace draws yet.
    """

    payload: dict[str, object]
    summary: str
    pictures: tuple[Picture, ...] = ()
    omitted: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    modern: bool = False


def plain(text: Text) -> str:
    """The words of a text without styles; times are not included in relative form (clock in UTC)."""
    parts = []
    for piece in text:
        match piece:
            case Span():
                parts.append(piece.text)
            case Chip():
                parts.append(f"{piece.mark.symbol} {piece.word}".strip())
            case Time():
                parts.append(piece.at.strftime("%H:%M UTC"))
            case Mention():
                parts.append(f"@{piece.name}" if piece.name else "")
    return "".join(parts)
