"""Random cards, wilder than anything a handler would make.

Big things (200 rows, 60 blocks, 40 buttons, 300 choices) are made by repeating small drawn ones, so that drawing stays
cheap and a failure shrinks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from cards.card import (
    Action,
    Actions,
    Attachment,
    Block,
    Bullets,
    Button,
    Card,
    Chip,
    Code,
    Column,
    Fact,
    Facts,
    Field,
    Fold,
    Foldable,
    Footer,
    Form,
    Heading,
    Link,
    Mark,
    Mention,
    Menu,
    Note,
    Option,
    Picture,
    Piece,
    Progress,
    Row,
    Span,
    Table,
    Text,
    Time,
    Words,
)
from cards.charts.usage import UsageChart

T = TypeVar("T")

NASTY = (
    "",
    " ",
    "\n\n",
    "pool-a",
    "Standard_NC4as_T4_v3",
    "nightly-render-2026-11-23-frame-0001-job-12",
    "n" * 64,
    "*not bold* _nor italic_ ~nor struck~ `nor code`",
    "`", "*", "_", "```", "``` ```",
    "<!channel> <@U123> <https://example.com|click> & &amp; <script>",
    ":tada: at 12:30:45 :+1:",
    "> quoted\n> twice",
    "[link](https://example.com) **bold** # heading\n- item\n1. item",
    "{{DATE(2026-11-23T06:00:00Z,SHORT)}} {{TIME(2026-11-23T06:00:00Z)}} ${data}",
    "\x1b[31mred\x1b[0m \x00\x07\x7f\x85 bell",
    "line one\r\nline two\rline three\u2028line four\ttab",
    "שלום עולם", "مرحبا 123 abc", "\u202eevil\u202c txt.exe", "\u2066unbalanced",
    "👩‍👩‍👧‍👦🇩🇪👍🏽", "e\u0301\u0302\u0303", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "漢字とかな", "\ufeffmark \ufffe\uffff",
    '"quotes\\ and \'more\'"', "state:active pool:render* age>2h",
)  # fmt: skip

LONG = (
    "word " * 2_000, "x" * 10_000, "👍🏽" * 3_000, "ש" * 5_000, "line\n" * 2_500, "a\u0301" * 2_000, "<&>" * 1_500,
)  # fmt: skip

_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x1b\x9b")
words = st.one_of(
    st.sampled_from(NASTY + NASTY + LONG), st.text(_LETTERS, max_size=20), st.text("ab *_`<&>:\n", max_size=12)
)
short = st.one_of(st.sampled_from(NASTY[:16]), st.text(_LETTERS, max_size=12))
moments = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 40 * 86_400).map(lambda seconds: datetime(2026, 10, 20, tzinfo=UTC) + timedelta(seconds=seconds)),
    st.datetimes(timezones=st.just(timezone(timedelta(hours=-7)))),
)
marks = st.sampled_from(Mark)
hows = st.sampled_from(["edit", "post", "form"])
spans = st.builds(Span, words, st.sampled_from(["plain", "bold", "italic", "code", "muted"]))
pieces: st.SearchStrategy[Piece] = st.one_of(
    spans,
    spans,
    st.builds(Chip, marks, words),
    st.builds(Time, moments, st.sampled_from(["both", "age", "clock"])),
    st.builds(Mention, st.sampled_from(["slack:U012AB3CD", "slack:<!here>", "teams:29:1x", "text:you", ""]), words),
)
texts: st.SearchStrategy[Text] = st.lists(pieces, max_size=4).map(tuple)
figures = st.one_of(st.integers(-5, 10**9).map(float), st.floats(allow_nan=False, allow_infinity=False))


def many(strategy: st.SearchStrategy[T], most: int, distinct: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    """Up to ``most`` values, made of a few distinct ones."""
    counts = st.one_of(st.integers(0, min(4, most)), st.sampled_from([most // 3, most]))
    return st.tuples(st.lists(strategy, min_size=1, max_size=distinct), counts).map(
        lambda drawn: tuple(drawn[0][index % len(drawn[0])] for index in range(drawn[1]))
    )


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(
        st.lists(
            st.builds(
                Column,
                words,
                st.sampled_from(["left", "right"]),
                st.integers(0, 3),
                st.integers(0, 5),
                beneath=st.sampled_from([False, False, False, True]),
            ),
            max_size=4,
        )
    )
    columns *= draw(st.sampled_from([1, 1, 1, 2, 6]))
    pool = draw(st.lists(st.lists(pieces, max_size=2).map(tuple), min_size=1, max_size=6))
    count = draw(st.sampled_from([0, 1, 3, 20, 98, 99, 100, 200]))
    extra = draw(st.sampled_from([0, 0, 0, -1, 1]))
    width = max(len(columns) + extra, 0)
    rows = tuple(
        Row(tuple(pool[(row * 7 + column * 3) % len(pool)] for column in range(width))) for row in range(count)
    )
    return Table(tuple(columns), rows)


commands = st.one_of(
    st.sampled_from(["pool list", "job show 'a b'", "task list job:x state:failed page:2", "c" * 1_900, "c" * 5_000]),
    words,
)
urls = st.sampled_from(
    ["https://portal.azure.com/#@x/resource", "http://127.0.0.1:8000/a", "javascript:alert(1)", "", "https://", "ftp://a/b",
     "https://example.com/" + "p" * 4_000, "https://exämple.com/ü", "https://exa mple.com", "https://[", "//x"]
)  # fmt: skip
buttons = st.builds(Button, short, commands, hows, st.sampled_from(["default", "primary", "danger"]), st.booleans())
options = st.builds(Option, short, st.one_of(short, st.text(_LETTERS, max_size=90)))
menus = st.builds(
    Menu,
    short,
    st.sampled_from(["pool show {}", "job list", "x" * 300 + " {}", "go '{}'", "{}"]),
    many(options, 300),
    hows,
)
actions: st.SearchStrategy[Action] = st.one_of(buttons, buttons, st.builds(Link, short, urls), menus)

_CHART = UsageChart("", "", (), 60, datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
pictures = st.builds(Picture, st.sampled_from(["known", "other", "wrong"]), words, st.just(_CHART), words)

attachments = st.builds(
    Attachment,
    st.sampled_from(["known", "other", "wrong", "\u202e../\x00 <!here>.csv", "n" * 400]),
    st.binary(max_size=40),
    st.sampled_from(["text/csv", "application/json", ""]),
    words,
)

folded: st.SearchStrategy[Foldable] = st.one_of(
    st.builds(Words, texts),
    st.builds(Heading, words),
    st.builds(Facts, many(st.builds(Fact, words, texts), 30)),
    tables(),
    st.builds(Bullets, many(texts, 40)),
    st.builds(Code, words, st.sampled_from(["head", "tail"])),
)
blocks: st.SearchStrategy[Block] = st.one_of(
    st.builds(Words, texts),
    st.builds(Heading, words),
    st.builds(Facts, many(st.builds(Fact, words, texts), 30)),
    tables(),
    st.builds(Bullets, many(texts, 40)),
    st.builds(Code, words, st.sampled_from(["head", "tail"])),
    pictures,
    attachments,
    st.builds(Progress, words, figures, figures, short, marks),
    st.builds(Actions, many(actions, 40), st.sampled_from([0, 0, 3, 5])),
    st.builds(Fold, short, many(folded, 6), commands, st.booleans()),
    st.builds(Footer, texts),
)

cards: st.SearchStrategy[Card] = st.builds(
    Card,
    title=texts,
    blocks=many(blocks, 60, distinct=5),
    mark=marks,
    as_of=st.none() | moments,
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Nowhere/Land", "", "../etc", "\0"]
    ),
)

names = st.one_of(st.sampled_from(["pool", "state", "x" * 300]), st.text(_LETTERS, max_size=8))
kinds = st.sampled_from(["text", "number", "choice", "choices", "flag", "date", "time", "moment", "name", "file"])
values = st.sampled_from(
    ["12", "1.5", "nan", "1e400", "true", "a b", "tvmps_" + "f" * 64 + "_d", "2026-11-23", "22:00", "7:05", "25:61",
     "2026-11-23T21:00Z", "2026-11-23T21:00", "0001-01-01T00:00Z", "9999-12-31T23:59+00:00", "a,b", ",", "x,,y,x"]
)  # fmt: skip
bounds = st.none() | st.integers(-5, 200)
fields = st.builds(
    Field,
    names,
    words,
    kinds,
    words,
    st.one_of(short, values),
    many(options, 150),
    st.booleans(),
    st.sampled_from(["pool", "node", ""]),
    default=st.sampled_from(["", "15 min", "x" * 5000]),
    refresh=st.booleans(),
    lines=st.booleans(),
    more=st.booleans(),
    error=st.sampled_from(["", "", "such a pool is there", "\n"]) | words,
    least=bounds,
    most=bounds,
    reset=st.booleans(),
)
notes = st.builds(Note, texts, marks)


@st.composite
def _forms(draw: st.DrawFn) -> Form:
    """Fields with distinct names, as a command's parameters have, and up to 120 of them."""
    few = draw(st.lists(fields, max_size=4, unique_by=lambda field: field.name))
    times = draw(st.sampled_from([1, 1, 1, 30]))
    numbered = [replace(f, name=f"{f.name}{n or ''}") for n in range(times) for f in few]
    every = {field.name: field for field in numbered}.values()
    return Form(
        draw(words),
        draw(short),
        tuple(every),
        draw(words),
        draw(short),
        draw(st.sampled_from(["edit", "post"])),
        notes=draw(many(notes, 20)),
        live=draw(st.booleans()),
        opened=draw(st.booleans()),
        zone=draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Nowhere/Land"])),
    )


forms = _forms()
