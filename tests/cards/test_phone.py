"""What a phone shows of a card: tables whose trouble is in sight, what is folded, and the end of a log."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from cards import slack, teams, text
from cards.build import blocks, chip, code, facts, fold, muted, table
from cards.card import Actions, Button, Card, Code, Column, Fold, Link, Mark, Menu, Option, Span, Table, Text
from cards.click import MORE, Click
from cards.render_text import Clock, Run, said, unbroken
from cards.slack.limits import OPTION_VALUE
from cards.table_fit import fit
from cards.text_fit import Omitted, cut_lines
from tests.cards import limits, schemas
from tests.golden import check

NODES = ("tvmps_19999e3fac0de41e7542a95d35aa00112233445566778899aabbccddeeff0011_d", "tvmps_c2cd789a3e0d8834aa_p")
COLUMNS = (
    Column("Pool"),
    Column("State"),
    Column("Nodes", "right"),
    Column("Running", "right", rank=2),
    Column("Trouble", beneath=True),
    Column("Size", rank=3),
)


def pools(names: tuple[str, ...] = ("render-gpu", "comp-day")) -> Table:
    wrong = chip(Mark.WARNING, "core quota used up")
    rows: list[list[Any]] = [[code(names[0]), chip(Mark.WARNING, "resize failed"), "8 → 12", "8", wrong, "nc4as_t4_v3"]]
    rows += [[code(name), chip(Mark.RUNNING, "steady"), "5", "5", muted("–"), "e8ds_v5"] for name in names[1:]]
    return table(COLUMNS, rows)


def card(*parts: Any) -> Card:
    return Card((Span("Pools"),), blocks(*parts))


def slack_rows(found: Card) -> list[list[str]]:
    payload: Any = slack.render(found).payload
    (drawn,) = (block for block in payload["blocks"] if block["type"] == "table")
    return [["".join(_texts(cell)) for cell in row] for row in drawn["rows"]]


def _texts(cell: Any) -> list[str]:
    return [node["text"] for node in limits.nodes(cell) if isinstance(node.get("text"), str)]


def teams_lines(found: Card) -> list[Any]:
    payload: Any = teams.render(found).payload
    return list(payload["body"][1]["items"])


def words(element: Any) -> str:
    return "".join(each if isinstance(each, str) else each["text"] for each in element["inlines"])


def test_trouble_stands_in_the_cell_of_the_state_on_slack_and_beneath_the_row_in_teams() -> None:
    found = card(pools())
    head, first, second = slack_rows(found)
    assert head == ["Pool", "State", "Nodes", "Running", "Size"]
    assert first[:2] == ["render-gpu", "▲\u00a0resize failed\ncore quota used up"]
    assert second[:2] == ["comp-day", "●\u00a0steady"]
    top, row, beneath, last = teams_lines(found)
    assert [element["type"] for element in (top, row, beneath, last)] == [
        "ColumnSet",
        "ColumnSet",
        "RichTextBlock",
        "ColumnSet",
    ]
    assert words(beneath) == "core quota used up"
    assert beneath["inlines"][0]["color"] == "Warning"
    assert "Trouble" in str(text.render(found).payload["text"])
    for render in (slack.render, teams.render, text.render):
        assert render(found).omitted == ()
    assert schemas.faults(schemas.adaptive_card(), teams.render(found).payload) == []
    check("card-phone-table", found)


def test_a_phone_has_name_state_and_what_else_has_room_and_a_desktop_more() -> None:
    def shown(found: Card) -> list[str]:
        return [column.get("targetWidth", "") for column in teams_lines(found)[0]["columns"]]

    assert shown(card(pools())) == ["", "", "", "atLeast:standard", "atLeast:standard"]
    assert shown(card(pools(("a-pool-with-a-rather-long-name", "b")))) == [
        "",
        "",
        "atLeast:standard",
        "atLeast:standard",
        "atLeast:wide",
    ]
    for line in teams_lines(card(pools())):
        if line["type"] == "ColumnSet":
            assert [column["width"] for column in line["columns"]] == [
                column["width"] for column in teams_lines(card(pools()))[0]["columns"]
            ]


def test_a_symbol_that_the_state_has_is_not_said_twice_and_another_one_is() -> None:
    rows: list[list[Text]] = [
        [(code("a"),), (chip(Mark.WARNING, "x"),), (chip(Mark.WARNING, "same"),)],
        [(code("b"),), (chip(Mark.RUNNING, "x"),), (chip(Mark.FAILED, "other"),)],
    ]
    found = table((Column("N"), Column("S"), Column("T", beneath=True)), rows)
    grid = fit(found, Clock(card()), Omitted(), columns=6, most=20, beneath=True)
    assert [said(each) for each in grid.beneath] == ["same", "✖ other"]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (NODES, ["…19999e", "…c2cd78"]),
        (("tvmps_19999e3fac0de41e75_d", "tvmps_19999e000000000000_d"), ["…19999e3fac0d", "…19999e000000"]),
        (("render-550e8400e29b41d4a716", "render-gpu"), ["render-550e84…", "render-gpu"]),
        (("cinder-sh0349-lighting", "short"), ["cinder-sh0349-lighting", "short"]),
        (("nightly-render-of-all-frames-1", "b"), ["nightly-re…ll-frames-1", "b"]),
        (("tvm-1695681911_1-20161122t193202z", "b"), ["tvm-169568…122t193202z", "b"]),
    ],
)
def test_names_are_as_short_as_tells_them_apart(names: tuple[str, ...], short: list[str]) -> None:
    assert [row[0] for row in slack_rows(card(pools(names)))[1:]] == short


def test_no_line_ends_within_a_figure() -> None:
    for before, after in (
        ("22 %", "22\u00a0%"),
        ("1 h 36 min ago", "1\u00a0h 36\u00a0min ago"),
        ("8 → 12 nodes", "8\u00a0→\u00a012 nodes"),
        ("1,602 / 2,003", "1,602\u00a0/\u00a02,003"),
        ("Fri 20 Nov 14:02", "Fri 20\u00a0Nov 14:02"),
        ("3 minds", "3 minds"),
    ):
        assert unbroken(Run(before)).text == after
    assert unbroken(Run("sleep 5 s", "code")).text == "sleep 5 s"
    assert unbroken(Run("● steady now", "plain", Mark.RUNNING)).text == "●\u00a0steady now"
    assert unbroken(Run("core quota used up", "plain", Mark.WARNING)).text == "core quota used up"


def folded(*, opened: bool = False) -> Card:
    inside = [facts(("Created", "yesterday"), ("Resize timeout", "15 min"))]
    other = "pool show a" if opened else "pool show a whole:1"
    return card(facts(("Size", "d4s_v3")), fold("All details", inside, other, opened=opened))


def test_what_is_folded_is_another_message_on_slack_hidden_in_teams_and_there_in_a_terminal() -> None:
    closed, opened = (str(slack.render(folded(opened=each)).payload) for each in (False, True))
    assert "Created" not in closed
    assert "All details" in closed
    assert "Created" in opened
    assert "Less" in opened
    payload: Any = slack.render(folded()).payload
    (button,) = payload["blocks"][-1]["elements"]
    assert slack.decode_click(button) == Click("pool show a whole:1", "edit")
    body: Any = teams.render(folded()).payload
    more, box, less = body["body"][-3:]
    assert [each["isVisible"] for each in (more, box, less)] == [True, False, False]
    assert more["actions"][0]["targetElements"] == [each["id"] for each in (box, more, less)]
    assert "Created" in str(box)
    assert "Resize timeout" in str(text.render(folded()).payload["text"])
    for render in (slack.render, teams.render, text.render):
        assert render(folded()).omitted == ()
    check("card-folded", folded())


def test_a_fold_that_no_command_opens_is_shown() -> None:
    whole = card(Fold("All details", folded().blocks[1].blocks))  # type: ignore[union-attr]
    assert "Created" in str(slack.render(whole).payload)
    long = card(Fold("All details", folded().blocks[1].blocks, "x" * 3_000))  # type: ignore[union-attr]
    assert "Created" in str(slack.render(long).payload)


def listed() -> Actions:
    return Actions(
        (
            Button("Next ▶", "pool list page:2", how="edit"),
            Menu("Open a pool", "pool show {}", (Option("a", "a"), Option("b b", "b b")), asks=True),
            Menu("More…", "pool {} a", (Option("Delete…", "delete"),), how="form"),
            Button("Why", "why pool a"),
            Button("Filter…", "pool list", how="form"),
            Menu("Sort", "pool list sort:{}", (Option("name", "name"), Option("age", "age")), how="edit"),
            Button("Refresh", "pool list", how="edit"),
            Button("CSV", f"csv pool '{'x' * OPTION_VALUE}'"),
            Link("Portal", "https://portal.azure.com/"),
        ),
        shown=4,
    )


def test_five_actions_are_in_sight_and_the_others_in_one_menu() -> None:
    found = card(listed())
    payload: Any = slack.render(found).payload
    *stay, more = payload["blocks"][-1]["elements"]
    labels = [each.get("text", each.get("placeholder"))["text"] for each in stay]
    assert labels == ["Next ▶", "Open a pool", "Why", "Filter…", "Portal", "CSV"], "CSV is too long for a choice"
    assert more["placeholder"]["text"] == MORE
    clicks = [slack.decode_click({**more, "selected_option": option}) for option in more["options"]]
    assert [option["text"]["text"] for option in more["options"]] == ["Delete…", "Sort: name", "Sort: age", "Refresh"]
    assert clicks == [
        Click("pool delete a", "form"),
        Click("pool list sort:'name'", "edit"),
        Click("pool list sort:age", "edit"),
        Click("pool list", "edit"),
    ]
    body: Any = teams.render(found).payload
    (row,) = (block for block in body["body"] if block["type"] == "ActionSet")
    assert [each["title"] for each in row["actions"] if "mode" not in each] == ["Next ▶", "Why", "Filter…", "Portal"]
    hidden = [each["title"] for each in row["actions"] if each.get("mode") == "secondary"]
    assert hidden == ["Delete…", "Sort: name", "Sort: age", "Refresh", "CSV"]
    assert len([block for block in body["body"] if block["type"] == "ColumnSet"]) == 1, "the menu of names"
    check("card-more", found)


def test_a_menu_whose_choices_are_too_long_for_the_other_one_stays_a_menu() -> None:
    options = tuple(Option(each, each) for each in ("name", "state", "age"))
    sort = Menu("Sort", f"task list '{'x' * OPTION_VALUE}' sort:{{}}", options, how="edit")
    items = tuple(sort if isinstance(each, Menu) and each.label == "Sort" else each for each in listed().items)
    found = slack.render(card(Actions(items, shown=4)))
    payload: Any = found.payload
    labels = [each.get("text", each.get("placeholder"))["text"] for each in payload["blocks"][-1]["elements"]]
    assert labels == ["Next ▶", "Open a pool", "Why", "Filter…", "Portal", "Sort", "CSV", MORE]
    assert found.omitted == ()


def test_one_action_more_than_are_in_sight_needs_no_menu() -> None:
    few = card(Actions(listed().items[:5], shown=4))
    payload: Any = slack.render(few).payload
    assert len(payload["blocks"][-1]["elements"]) == 5
    assert MORE not in str(payload)


def test_the_newest_lines_of_a_log_are_in_sight_in_teams() -> None:
    log = "\n".join(f"line {number}" for number in range(1, 41))
    body: Any = teams.render(card(Code(log, keep="tail"))).payload
    more, box, less, last = body["body"][1:]
    assert last["codeSnippet"].split("\n") == [f"line {number}" for number in range(29, 41)]
    assert last["startLineNumber"] == 29
    assert more["actions"][0]["title"] == "Earlier: 28 lines"
    assert box["items"][0]["codeSnippet"].split("\n") == [f"line {number}" for number in range(1, 29)]
    assert (box["isVisible"], less["isVisible"]) == (False, False)
    short: Any = teams.render(card(Code("\n".join("abcdefghijklmno"), keep="tail"))).payload
    assert [block["type"] for block in short["body"][1:]] == ["CodeBlock"], "three lines more are no reason to fold"
    head: Any = teams.render(card(Code(log))).payload
    assert [block["type"] for block in head["body"][1:]] == ["CodeBlock"]


def test_a_log_of_any_length_fits_and_keeps_its_end() -> None:
    log = "\n".join(f"line {number} {'x' * 90}" for number in range(2_000))
    rendered = teams.render(card(Code(log, keep="tail")))
    assert limits.teams_card(rendered.payload) == []
    assert "line 1999" in str(rendered.payload)
    assert any("line" in phrase for phrase in rendered.omitted)


def test_failed_and_warning_have_a_colour_on_slack() -> None:
    for mark, sign in ((Mark.FAILED, "❌"), (Mark.WARNING, "⚠️"), (Mark.DONE, "✔")):
        assert slack.render(Card((Span("job a"),), mark=mark)).summary == f"{sign} job a"


@pytest.mark.parametrize("keep", ["head", "tail"])
@pytest.mark.parametrize("printed", ["&<`a`:\n:b", "\n".join(f"line {each} <&>" for each in range(200)), "y" * 5_000])
def test_many_logs_in_one_card_are_cut_and_come_to_an_end(keep: Literal["head", "tail"], printed: str) -> None:
    for count in (40, 80, 120):
        many = Card((Span("x"),), tuple(Code(printed, keep) for _ in range(count)))
        assert len(json.dumps(teams.render(many).payload)) < 80_000
        assert slack.render(many).payload["blocks"]


def test_no_room_is_no_text() -> None:
    assert [cut_lines("a\nb", limit, keep)[0].strip("…") for limit in (0, -150) for keep in ("head", "tail")] == [
        ""
    ] * 4


def test_a_second_table_is_a_list_where_it_is_wider_than_a_phone() -> None:
    """A message on Slack has one table; in fixed width a phone would break each of its rows into pieces."""
    wide = table(
        (Column("–"), Column("Alert"), Column("Since")),
        [
            [chip(Mark.WARNING, "warning"), f"pool render-{number} has 1 unusable node of 3", "06:05"]
            for number in (1, 2)
        ],
    )
    counts = table((Column("Day"), Column("Jobs", "right"), Column("Nodes", "right")), [["Mon 23 Nov", "4", "12"]])
    payload: Any = slack.render(card(pools(), wide, counts)).payload
    first, second, third = payload["blocks"][-3:]
    assert first["type"] == "table"
    rows = second["elements"][0]["elements"]
    lines = ["".join(run["text"] for run in row["elements"]).replace("\N{NO-BREAK SPACE}", " ") for row in rows]
    assert lines == [f"▲ warning · pool render-{number} has 1 unusable node of 3 · Since 06:05" for number in (1, 2)]
    assert third["elements"][0]["type"] == "rich_text_preformatted", "what is narrow stays a table"


def test_a_number_in_a_list_has_the_name_of_its_column() -> None:
    columns = (Column("Day"), Column("Jobs started", "right"), Column("Nodes lost since then", "right"))
    wide = table(columns, [["Mon 23 Nov", "4", "12"]])
    payload: Any = slack.render(card(pools(), wide)).payload
    said_ = json.dumps(payload["blocks"][-1], ensure_ascii=False)
    assert "Jobs started " in said_
    assert "Nodes lost since then " in said_
