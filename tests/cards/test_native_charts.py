"""Small bars as each platform draws them itself, by the strict stand-ins' rules; everything else stays a picture."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

import cards.slack.message
import cards.teams.message
from bot.sandbox.slack.rules import wrong_with_blocks
from bot.sandbox.teams.cards import draw
from cards.card import Card, Picture, Rendered, Span
from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.charts.trend import TrendChart
from tests.cards.charts.bar_shapes import bar_chart, bar_shapes
from tests.cards.charts.shapes import usage_chart
from tests.cards.charts.trend_shapes import trend_chart

PNG = "https://bot.example/pictures/week.png"
PICTURES = ("quarter", "quarter single", "zero is not unknown", "partly unknown", "no data", "nothing", "across many")
"""What is too much, or has something in it that only a picture says."""


def card(*charts: Any, native: bool = True) -> Card:
    pictures = tuple(Picture(f"c{n}", alt(each), each, "Cost by day", native) for n, each in enumerate(charts))
    return Card((Span("cost"),), pictures)


def slack(*charts: Any, native: bool = True, modern: bool = True) -> Rendered:
    return cards.slack.message.render(card(*charts, native=native), modern=modern)


def teams(*charts: Any, native: bool = True, modern: bool = True) -> Rendered:
    links = {f"c{n}": PNG for n in range(len(charts))}
    return cards.teams.message.render(card(*charts, native=native), links, modern=modern)


def charts_of(rendered: Rendered) -> list[dict[str, Any]]:
    found: Any = rendered.payload.get("blocks") or rendered.payload.get("body")
    return [each for each in found if each["type"] == "data_visualization" or each["type"].startswith("Chart.")]


@pytest.mark.parametrize("name", bar_shapes())
def test_every_shape_is_legal_on_both(name: str) -> None:
    chart = bar_shapes()[name]
    rendered = slack(chart)
    assert wrong_with_blocks(rendered.payload["blocks"]) == []
    assert bool(charts_of(rendered)) == rendered.modern == (not rendered.pictures)
    drawing = draw(teams(chart).payload)
    assert [str(problem) for problem in drawing.problems if problem.grave] == []
    if name in PICTURES:
        assert rendered.pictures
        assert not charts_of(teams(chart))


def test_slack_gets_every_figure() -> None:
    (block,) = charts_of(slack(bar_chart()))
    assert block["title"] == "Cost by day"
    assert block["chart"]["type"] == "bar"
    assert block["chart"]["axis_config"] == {
        "categories": ["Mon 16", "Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22"],
        "y_label": "USD",
    }
    idle = block["chart"]["series"][1]
    assert idle["name"] == "Idle"
    assert idle["data"][0] == {"label": "Mon 16", "value": 61.0}


def test_what_a_chart_cannot_say_stands_below() -> None:
    words = str(slack(replace(bar_shapes()["budget"], bars=bar_shapes()["week filling"].bars)).payload)
    for told in (
        "Chicago time",
        "Busy $766, Idle $372, Spot $123",
        "budget $260",
        "… still filling",
        "nightly ran three",
    ):
        assert told in words
    assert "'Sun 22 …'" in words


def test_a_message_of_slack_has_two() -> None:
    rendered = slack(bar_chart(), bar_chart(), bar_chart())
    assert len(charts_of(rendered)) == 2
    assert [picture.key for picture in rendered.pictures] == ["c2"]
    assert wrong_with_blocks(rendered.payload["blocks"]) == []


def test_teams_draws_each_form_with_the_picture_as_its_fallback() -> None:
    one = bar_chart(series=(BarSeries("Cost", "busy"),), bars=(Bar("Mon", (3.0,)), Bar("Tue", (4.5,))))
    forms = [
        (one, "Chart.VerticalBar"),
        (replace(one, across=True), "Chart.HorizontalBar"),
        (bar_chart(), "Chart.VerticalBar.Grouped"),
        (bar_chart(across=True), "Chart.HorizontalBar.Stacked"),
    ]
    for chart, kind in forms:
        (element,) = charts_of(teams(chart))
        assert element["type"] == kind
        assert element["fallback"]["url"] == PNG
        assert element["fallback"]["altText"] == alt(chart)
    (first,) = charts_of(teams(one))
    assert first["data"] == [{"x": "Mon", "y": 3.0}, {"x": "Tue", "y": 4.5}]
    (stacked,) = charts_of(teams(bar_chart()))
    assert stacked["stacked"] is True
    assert len({group["color"] for group in stacked["data"]}) == 3


def test_a_client_that_knows_no_charts_shows_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.sandbox.teams import cards as client  # noqa: PLC0415

    payload = teams(bar_chart()).payload
    old = {name: spec for name, spec in client.ELEMENTS.items() if not name.startswith("Chart.")}
    monkeypatch.setattr(client, "ELEMENTS", old)
    assert draw(payload).problems == []


@pytest.mark.parametrize("chart", [usage_chart(), trend_chart()])
def test_other_charts_stay_pictures(chart: TrendChart) -> None:
    assert slack(chart).pictures
    assert not charts_of(teams(chart))


def test_only_where_card_and_settings_want_it() -> None:
    for rendered in (slack(bar_chart(), native=False), slack(bar_chart(), modern=False)):
        assert rendered.pictures
        assert not rendered.modern
    for rendered in (teams(bar_chart(), native=False), teams(bar_chart(), modern=False)):
        assert not charts_of(rendered)


def test_names_that_would_be_the_same_stay_a_picture() -> None:
    chart = bar_chart(
        series=(BarSeries("a" * 40 + "x" + "b" * 40), BarSeries("a" * 40 + "y" + "b" * 40)),
        bars=(Bar("Mon", (1.0, 2.0)),),
    )
    assert slack(chart).pictures
    twice = bar_chart(bars=(Bar("Mon", (1.0, 2.0, 3.0)), Bar("Mon", (1.0, 2.0, 3.0))))
    assert slack(twice).pictures


def test_a_stack_of_teams_has_no_way_down() -> None:
    credit: BarChart = bar_chart(bars=(Bar("Mon", (1.0, -2.0, 3.0)),))
    assert not charts_of(teams(credit))
    assert charts_of(slack(credit))


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda chart: chart.update(series=chart["series"] * 3),
        lambda chart: chart["series"][0].update(name="x" * 21),
        lambda chart: chart["series"][0]["data"].pop(),
        lambda chart: chart["series"][0]["data"][0].update(value=float("nan")),
        lambda chart: chart["series"][1].update(name=chart["series"][0]["name"]),
        lambda chart: chart.update(type="radar"),
        lambda chart: chart["axis_config"]["categories"].append("more"),
    ],
)
def test_the_stand_in_is_as_strict_as_slack(spoilt: Any) -> None:
    (block,) = charts_of(slack(bar_chart()))
    assert wrong_with_blocks([block]) == []
    assert wrong_with_blocks([block], charts=False) != []
    spoilt(block["chart"])
    assert wrong_with_blocks([block]) != []
