"""What leaves has no secret in it, and what is acted on is never altered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import Struct

import cards.card
from bot.content.outgoing import Outgoing, is_heavy, outgoing, outgoing_form, outgoing_options, sent
from bot.content.texts import Texts
from cards.build import actions, bold, code, facts, muted, table, text
from cards.card import (
    Attachment,
    Bullets,
    Button,
    Card,
    Code,
    Column,
    Field,
    Fold,
    Footer,
    Form,
    Heading,
    Link,
    Mention,
    Menu,
    Note,
    Option,
    Picture,
    Progress,
    Words,
)
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.charts.heatmap import Cell, HeatMap, Section
from cards.text import render

MARKER = "MARKER0f3Kq9"
SIGNED = f"https://x.blob.core.windows.net/c/f?sv=2024-11-04&sr=c&sig={MARKER}%2Fabc%3D"
TITLE = text(bold("Pool gpu-a"))


def every_text(value: object) -> list[str]:
    """Every text in a value, wherever it stands."""
    found: list[str] = []

    def heard(words: str) -> str:
        found.append(words)
        return words

    Texts(heard).value(value)
    return found


def chart(words: str) -> BarChart:
    return BarChart(words, words, (BarSeries(words),), (Bar(words, (1.0,)),), level_label=words, note=words)


BLOCKS = [
    Words(text(SIGNED)),
    Words(text("see ", code(SIGNED), muted(" there"))),
    Heading(SIGNED),
    facts(("Where", SIGNED), (SIGNED, "there")),
    table([Column(SIGNED), Column("Id")], [[SIGNED, code("a")]]),
    Bullets((text(SIGNED), text("a ", SIGNED))),
    Code(f"first\n{SIGNED}\nlast"),
    Picture("k", SIGNED, chart(SIGNED), SIGNED),
    Picture("k", "alt", HeatMap(SIGNED, SIGNED, (Section(SIGNED, (Cell(1),)),))),
    Attachment("a.txt", f"x\n{SIGNED}\n".encode(), "text/plain", SIGNED),
    Attachment("a.txt", f"x\n{SIGNED}\n".encode("utf-16"), "text/plain"),
    Attachment("a.json", f'{{"a": ["{SIGNED}"]}}'.encode(), "application/json"),
    Attachment("a.csv", f'Id,Where\r\na,"{SIGNED}"\r\n'.encode(), "text/csv; charset=utf-8"),
    Progress(SIGNED, 1, 2, SIGNED),
    Footer(text(muted(SIGNED))),
    Fold(SIGNED, (Words(text(SIGNED)),), "pool show gpu-a whole:1"),
    Fold("More", (Bullets((text(SIGNED), text(muted(SIGNED)))),), f"why {SIGNED}"),
    Footer(text(cards.card.Chip(cards.card.Mark.FAILED, SIGNED), Mention("slack:U1", SIGNED))),
    actions(Button(SIGNED, "pool list"), Link(SIGNED, "https://example.com"), Button("Run", f"log {SIGNED}")),
    actions(Menu(SIGNED, "pool show {}", (Option(SIGNED, "a"), Option("b", SIGNED)))),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_a_secret_in_any_block_does_not_leave(block: Any) -> None:
    card = Card(title=text(SIGNED, " of it"), blocks=(block,))
    assert any(MARKER in each for each in every_text(card)) or isinstance(block, Attachment)
    made = outgoing(card)
    assert not [each for each in every_text(made) if MARKER in each]
    assert MARKER not in repr(made).replace("\\x00", "")
    assert MARKER not in str(render(made).payload)


def test_every_kind_of_block_is_tried() -> None:
    tried = {type(block) for block in BLOCKS}
    assert set(cards.card.Block.__args__) == tried


def test_what_has_no_secret_comes_back_the_very_same() -> None:
    blocks = (facts(("State", "steady")), table([Column("Id")], [["a"], ["b"]]), actions(Button("Open", "pool show a")))
    card = Card(title=TITLE, blocks=blocks)
    assert outgoing(card).blocks is card.blocks


def test_a_command_is_never_altered() -> None:
    """A wrong name would be acted on: what cannot be shown is left out."""
    secret = f"task show job {SIGNED}"
    block = actions(
        Button("Task", secret),
        Button(f"Go on with {SIGNED}", "task list job"),
        Link("There", SIGNED),
        Menu("Open", "task show job {}", (Option("a", "a"), Option("b", SIGNED))),
        Menu("Open", secret + " {}", (Option("a", "a"),)),
    )
    (made,) = outgoing(Card(title=TITLE, blocks=(block,))).blocks
    assert isinstance(made, cards.card.Actions)
    button, menu = made.items
    assert isinstance(button, Button)
    assert button.command == "task list job"
    assert MARKER not in button.text
    assert isinstance(menu, Menu)
    assert menu.options == (Option("a", "a"),)
    assert outgoing(Card(title=TITLE, blocks=(actions(Button("Task", secret)),))).blocks == ()


@pytest.mark.parametrize(
    "block",
    [
        facts(("DB_PASSWORD", "hunter2")),
        table([Column("Name"), Column("Value")], [["DB_PASSWORD", "hunter2"]]),
        table([Column("Job"), Column("Password")], [["a", "hunter2"]]),
        Words(text(muted("DB_PASSWORD: "), "hunter2")),
        Words(text(code("DB_PASSWORD"), "=", code("hunter2"))),
        Words(text(bold("The DB_PASSWORD: "), code("hunter2"), " and so on")),
        Attachment("a.csv", b"name,value\r\nDB_PASSWORD,hunter2\r\n", "text/csv"),
        Attachment("a.csv", b"Job,Password\r\nDB,hunter2\r\n", "text/csv"),
        Attachment("a.json", b'[{"name": "DB_PASSWORD", "value": "hunter2"}]', "application/json"),
        Attachment("a.json", b'{"dbPassword": "hunter2"}', "application/json"),
    ],
)
def test_what_is_secret_by_its_name_does_not_leave(block: Any) -> None:
    made = outgoing(Card(title=TITLE, blocks=(block,)))
    assert "hunter2" not in str(made)
    assert "PASSWORD" in str(made).upper()


def test_what_is_meant_to_be_shown_is_shown() -> None:
    """A password that was made just now, for the one who asked."""
    card = Card(
        title=TITLE,
        secrets=("Xy7plain", "https://bot.example/files/a?exp=1&sig=00aa"),
        blocks=(
            facts(("Password", code("Xy7plain"))),
            actions(Link("Open", "https://bot.example/files/a?exp=1&sig=00aa")),
            Words(text(f"not {SIGNED}")),
        ),
    )
    shown = str(outgoing(card))
    assert "Xy7plain" in shown
    assert "sig=00aa" in shown
    assert MARKER not in shown


def test_a_form_keeps_what_was_filled_in_and_shows_no_other_secret() -> None:
    form = Form(
        SIGNED,
        "task add",
        (
            Field("command", "Command", value=f"render --sas '{SIGNED}'"),
            Field("env", "Settings", value=f"PASSWORD={MARKER}"),
            Field("pool", SIGNED, "choice", value="a", options=(Option(SIGNED, "a"), Option("b", SIGNED))),
        ),
        notes=(Note(text(SIGNED)),),
    )
    made = outgoing_form(form, {"env": f"PASSWORD={MARKER}"})
    command, env, pool = made.fields
    assert command.value == ""
    assert command.reset
    assert "not shown" in command.hint
    assert env.value == f"PASSWORD={MARKER}"
    assert pool.value == "a"
    assert [option.value for option in pool.options] == ["a"]
    assert [each for each in every_text(made) if MARKER in each] == [env.value]
    assert made.command == "task add"


def test_names_to_choose_from_are_exact() -> None:
    assert outgoing_options([Option("a", "a"), Option(SIGNED, SIGNED)]) == [Option("a", "a")]


async def test_a_large_text_is_not_searched_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading  # noqa: PLC0415

    where: list[bool] = []
    original = outgoing

    def noted(card: Card) -> Outgoing:
        where.append(threading.current_thread() is threading.main_thread())
        return original(card)

    monkeypatch.setattr("bot.content.outgoing.outgoing", noted)
    small, large = Card(title=TITLE, blocks=(Code("x" * 1000),)), Card(title=TITLE, blocks=(Code("x" * 10_000),))
    assert isinstance(await sent(small), Outgoing)
    assert isinstance(await sent(large), Outgoing)
    assert where == [True, False]


LINE = "x" * 150


@pytest.mark.parametrize(
    ("heavy", "blocks"),
    [
        (False, ()),
        (False, (Code("x" * 3000),)),
        (True, (Code("x" * 2500), Words(text("x" * 2500)))),
        (True, (Attachment("a.log", b"x" * 5000, "text/plain"),)),
        (True, (facts(*((f"Line {number}", LINE) for number in range(40))),)),
        (True, (table([Column("Said")], [[LINE]] * 40),)),
        (False, (table([Column("Id"), Column("State")], [["a", "b"]] * 40),)),
        (True, (table([Column("Id"), Column("State")], [["a", "b"]] * 400),)),
    ],
)
def test_a_card_weighs_what_its_texts_and_files_do(heavy: bool, blocks: tuple[Any, ...]) -> None:
    assert is_heavy(Card(title=TITLE, blocks=blocks)) is heavy


def test_a_file_without_secrets_keeps_its_very_bytes() -> None:
    for content, kind in [
        (b'{"a":1,  "b":2}', "application/json"),
        (b'\xef\xbb\xbfid,name\r\n1,"a, b"\r\n', "text/csv"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        ("caf\xe9\n".encode("latin-1"), "text/plain"),
    ]:
        (file,) = outgoing(Card(title=TITLE, blocks=(Attachment("a", content, kind),))).blocks
        assert isinstance(file, Attachment)
        assert file.content == content


class Cells(Struct, frozen=True):
    """A struct in which no text can be."""

    a: int
    b: float


@dataclass
class Counted:
    """Counts the texts that it is asked about."""

    count: int = 0

    def __call__(self, text: str) -> str:
        self.count += 1
        return text


def test_what_can_hold_no_text_is_not_gone_through() -> None:
    class Many(Struct, frozen=True):
        name: str
        cells: tuple[Cells, ...]

    seen: list[Struct] = []

    class Watching(Texts):
        def struct(self, value: Struct) -> Any:
            seen.append(value)
            return super().struct(value)

    many = Many("x", tuple(Cells(n, 0.0) for n in range(1000)))
    assert Watching(Counted()).value(many) is many
    assert seen == [many]
