"""The usage card: of an account, a pool, a job, a size, a tag; over any window; and its figures add up."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from cards.card import Actions, Attachment, Button, Card, Facts, Form, Menu, Picture, Table, plain
from cards.charts.usage import UsageChart
from cards.charts.usage_strip import moment
from storage.port.core_use import CoreUse
from storage.port.network import NetworkCounter
from storage.port.samples import Bucket, JobCores, PoolEra, Sample
from tests.golden import check
from tests.handlers.conftest import Scene, nobody
from tests.handlers.test_costs import words

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACCOUNT = "render-prod"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BUSY = CoreUse(busy=12, starting=4, unused=8, waiting=2, broken=2, leaving=1)


async def fill(scene: Scene, hours: float = 3, *, every: int = 5, pools: bool = True) -> None:
    """Two pools for some hours up to :data:`AT`: a dedicated one at work on a job, a spot one that idles."""
    samples = []
    for n in range(int(hours * 60 / every)):
        at = AT - n * every * MINUTE
        jobs = (JobCores("nightly:job-7", 8.0), JobCores("sim", 4.0))
        samples.append(Sample(ACCOUNT, "render-gpu", at, every * 60, BUSY, nodes=4, jobs=jobs))
        spot = CoreUse(busy=1 if n % 2 else 0, unused=15 if n % 2 else 16)
        samples.append(Sample(ACCOUNT, "render-cpu", at, every * 60, spot=spot, nodes=2, spot_nodes=2))
    await scene.store.add_samples(samples)
    if pools:
        await scene.store.add_pool_eras(
            ACCOUNT,
            [
                PoolEra("render-gpu", AT - 400 * DAY, "Standard_NC4as_T4_v3", 4, False, {"team": "render"}),
                PoolEra("render-cpu", AT - 400 * DAY, "Standard_F8s_v2", 8, False, {"team": "sim"}),
            ],
        )


def items(card: Card) -> list[Button]:
    found = [item for block in card.blocks if isinstance(block, Actions) for item in block.items]
    return [item for item in found if isinstance(item, Button)]


def button(card: Card, words: str) -> Button:
    return next(item for item in items(card) if item.text == words)


def plain_facts(card: Card) -> dict[str, str]:
    return {item.label: plain(item.value) for block in card.blocks if isinstance(block, Facts) for item in block.items}


def chart(card: Card) -> UsageChart:
    picture = next(block for block in card.blocks if isinstance(block, Picture))
    assert isinstance(picture.chart, UsageChart)
    return picture.chart


def table(card: Card) -> list[list[str]]:
    found = next(block for block in card.blocks if isinstance(block, Table))
    return [[plain(cell) for cell in row.cells] for row in found.rows]


def figure(words: str) -> float:
    return float(re.sub(r"[^0-9.]", "", words) or 0)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("account", "usage 1h"),
        ("pool", "usage 1h pool:render-gpu"),
        ("job", "usage job:nightly:job-7"),
        ("size", "usage 1h size:standard_f8s_v2"),
        ("tag", "usage 1h tag:team=render"),
        ("window", "usage from:2026-11-23T04:10 to:2026-11-23T05:20"),
    ],
)
async def test_the_card(scene: Scene, name: str, command: str) -> None:
    await fill(scene)
    card = await scene.ask(command)
    assert not card.refused
    encoded = msgspec.json.encode(replace(card, as_of=AT))
    check(f"usage-{name}", msgspec.json.decode(encoded, type=Card))
    for each in items(card):  # every button is a command that works
        if each.how == "form":
            assert isinstance(await scene.dispatcher.form(each.command, nobody()), Form)
        elif each.text not in ("Job",):
            assert not (await scene.ask(each.command)).refused, each.command


@pytest.mark.parametrize(
    "command", ["usage 1h", "usage 24h", "usage 1h pool:render-cpu", "usage from:2h", "usage 7d tag:team=sim"]
)
async def test_what_is_shown_adds_up(scene: Scene, command: str) -> None:
    await fill(scene, 2.2, every=1)
    card = await scene.ask(command)
    *parts, whole = table(card)
    for column in range(1, len(whole)):
        assert sum(figure(row[column]) for row in parts) == pytest.approx(figure(whole[column])), column
    assert any(row[3].startswith("$") for row in parts)
    assert f"{whole[1]} core-hours" in plain(card.title)
    assert f"{parts[0][2]} busy" in plain(card.title)
    idle = plain(card.title).partition("idle ")[2].split()[0]
    assert sum(figure(row[3]) for row in parts[1:]) == pytest.approx(figure(idle))
    facts = plain_facts(card)
    kinds = [figure(facts[kind].split(" core-hours")[0]) for kind in ("Dedicated", "Spot") if kind in facts]
    assert sum(kinds) == pytest.approx(figure(whole[1]))
    picture = next(block for block in card.blocks if isinstance(block, Picture))
    for row in parts:  # and those who cannot see it are told the same
        assert f"{row[1]} {row[0].removeprefix('idle: ')}" in picture.alt


async def test_pools_of_an_account_sum_to_it_and_so_do_tags(scene: Scene) -> None:
    await fill(scene)
    whole, *parts = [
        sum(point.total for point in chart(await scene.ask(command)).points)
        for command in ("usage 1h", "usage 1h pool:render-gpu", "usage 1h pool:render-cpu")
    ]
    tagged = [
        sum(point.total for point in chart(await scene.ask(f"usage 1h {of}")).points)
        for of in ("tag:team=render", "size:STANDARD_f8s_V2")
    ]
    assert whole == pytest.approx(sum(parts))
    assert tagged == pytest.approx(parts)


async def test_the_pool_that_idles_most_is_one_click_away(scene: Scene) -> None:
    await fill(scene)
    card = await scene.ask("usage from:2h")
    first = button(card, "Most idle: render-gpu")
    assert "from:" in first.command  # the same window
    assert "pool render-gpu" in plain((await scene.ask(first.command)).title)


async def test_links_and_slider_lead_on_and_back_and_carry_the_whole_window(scene: Scene) -> None:
    await fill(scene, 30)
    card = await scene.ask("usage 1h")
    assert [each.text for each in items(card)[:5]] == ["1 h", "24 h", "7 d", "30 d", "90 d"]
    assert [each.current for each in items(card)[:5]] == [True, False, False, False, False]
    assert all(each.how == "edit" for each in items(card)[:5])
    assert "Later ▶" not in [each.text for each in items(card)]
    back = await scene.ask(button(card, "◀ Earlier").command)
    assert chart(back).until - chart(back).since == HOUR
    assert chart(back).until < chart(card).until
    on = await scene.ask(button(back, "Later ▶").command)
    assert (chart(on).since, chart(on).until) == (chart(card).since, chart(card).until)
    closer = await scene.ask(button(back, "+ Zoom in").command)
    assert chart(closer).until - chart(closer).since == HOUR / 2
    wide = await scene.ask(button(closer, "− Zoom out").command)
    assert (chart(wide).since, chart(wide).until) == (chart(back).since, chart(back).until)
    for _ in range(9):
        if not any(each.text == "− Zoom out" for each in items(wide)):
            break
        wide = await scene.ask(button(wide, "− Zoom out").command)
    assert chart(wide).since <= AT - 30 * HOUR + 5 * MINUTE
    assert chart(wide).strip[0].start <= chart(wide).since


async def test_the_form_has_two_pickers_that_redraw_the_message(scene: Scene) -> None:
    await fill(scene)
    card = await scene.ask("usage 1h pool:render-gpu")
    opened = await scene.dispatcher.form(button(card, "From – to…").command, nobody())
    assert isinstance(opened, Form)
    since, until, pool, *_ = opened.fields
    assert (opened.how, since.kind, until.kind, pool.value) == ("edit", "moment", "moment", "render-gpu")
    assert (since.value, until.value) == ("2026-11-23T11:00Z", "2026-11-23T12:00Z")
    assert "1 h in steps of 1 min" in plain(opened.notes[0].text)
    check("usage-form", opened)
    wrong = await scene.dispatcher.form("usage", nobody(), values={"from": until.value, "to": since.value})
    assert isinstance(wrong, Form) and "begins after it ends" in wrong.errors["to"]
    fresh = await scene.dispatcher.form("usage", nobody())
    assert isinstance(fresh, Form) and fresh.how == "post"
    shown = await scene.ask(
        "usage", values={"from": "2026-11-23T10:00Z", "to": "2026-11-23T11:30Z", "pool": "render-gpu"}
    )
    assert (chart(shown).since, chart(shown).until) == (AT - 2 * HOUR, AT - HOUR / 2)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("usage from:2026-11-23T05:00 to:2026-11-23T04:00", "begins after it ends"),
        ("usage from:2026-12-23", "in the future"),
        ("usage to:2020-01-01", "before everything that is kept"),
        ("usage from:soon", "not a moment"),
        ("usage pool:a job:b", "one thing at a time"),
        ("usage tag:render", "no tag"),
        ("usage tag:team=nobody", "No pool had the tag"),
        ("usage size:Standard_X", "No pool had the VM size"),
        ("usage 1h pool:nowhere", "no samples of pool"),
        ("usage job:nowhere", "no samples of job"),
    ],
)
async def test_what_cannot_be_shown_says_why_and_what_could(scene: Scene, command: str, words: str) -> None:
    await fill(scene)
    card = await scene.ask(command)
    assert card.refused and words in plain(card.title)
    assert items(card) or any(isinstance(block, Menu) for block in card.blocks)


async def test_a_gap_is_a_gap_and_not_zero(scene: Scene) -> None:
    await fill(scene, 1)
    card = await scene.ask("usage 24h")
    points = chart(card).points
    assert sum(point.covered > 0 for point in points) == 12
    assert "was sampled; the rest is unknown" in str(card.blocks)


async def test_a_window_of_one_sample_and_of_zero_nodes(scene: Scene) -> None:
    await scene.store.add_samples([Sample(ACCOUNT, "", AT, 60)])
    for command in ("usage", "usage 1h", "usage 90d", "usage from:1h", "usage from:2026-11-23T06:00 to:now"):
        card = await scene.ask(command)
        assert "No cores allocated" in plain(card.title), command
        assert sum(point.covered > 0 for point in chart(card).points) == 1


async def test_history_from_azure_monitor_says_at_most(scene: Scene) -> None:
    use = CoreUse(busy=3600 * 4, unknown=3600 * 4)
    since = AT - 20 * DAY
    history = [Bucket(since + n * HOUR, use, CoreUse(), 3600, at_most=True) for n in range(24 * 19)]
    await scene.store.add_history(ACCOUNT, history, 3600)
    await fill(scene, 2)
    card = await scene.ask("usage 30d")
    assert plain(card.title).startswith("At most ")
    assert "busy is at most what is shown" in str(card.blocks)
    recent = await scene.ask("usage 1h")
    assert "at most what is shown" not in str(recent.blocks)
    kept = await scene.ask("usage from:2026-11-01 to:2026-11-10")
    assert sum(point.covered > 0 for point in chart(kept).points) > 20
    assert "Price unknown" not in str(kept.blocks)
    assert "Pools are known since 23 Nov" in str(kept.blocks)


async def test_history_ends_where_the_bot_began_to_watch_not_with_the_bucket_that_has_both(scene: Scene) -> None:
    use = CoreUse(busy=3600 * 4, unknown=3600 * 4)
    history = [Bucket(AT - DAY - n * HOUR, use, CoreUse(), 3600, at_most=True) for n in range(24 * 19)]
    history += [Bucket(AT - n * HOUR, use, CoreUse(), 3600, at_most=True) for n in range(4, 24)]
    await scene.store.add_history(ACCOUNT, history, 3600)
    await fill(scene, 2)
    for window in ("30d", "400d"):
        shown = words(await scene.ask(f"usage {window}"))
        since = re.search(r"Money is known since ([^.]*)\.", shown)
        assert since and f"Up to {since[1]} the figures are from Azure Monitor" in shown
        assert "and of that time neither the pool nor the reason is known" in shown


async def test_history_fills_a_window_of_shorter_buckets_that_begins_off_the_half_hour(scene: Scene) -> None:
    use = CoreUse(busy=3600 * 4, unknown=3600 * 4)
    hours = [Bucket(AT - DAY - 6 * HOUR + n * HOUR, use, CoreUse(), 3600, at_most=True) for n in range(24)]
    await scene.store.add_history(ACCOUNT, hours, 3600)
    await fill(scene, 2)
    begin = (AT - DAY).replace(minute=20)
    shown = await scene.ask(f"usage from:{begin:%Y-%m-%dT%H:%M} to:{begin + 6 * HOUR:%Y-%m-%dT%H:%M}")
    points = chart(shown).points
    assert len(points) > 12
    assert all(point.covered > 0 for point in points)


async def test_moments_are_of_the_askers_zone(scene: Scene) -> None:
    await fill(scene, 9)  # the zone of everybody here is six hours behind UTC
    card = await scene.ask("usage from:04:00 to:05:00")
    assert (chart(card).since, chart(card).until) == (AT - 2 * HOUR, AT - HOUR)
    card = await scene.ask("usage from:2026-11-23T10:00Z to:2026-11-23T11:00Z")
    assert (chart(card).since, chart(card).until) == (AT - 2 * HOUR, AT - HOUR)


async def test_the_night_in_which_clocks_go_back(scene: Scene) -> None:
    await scene.store.add_samples(
        [Sample(ACCOUNT, "p", datetime(2026, 11, 1, 4, tzinfo=UTC) + n * 5 * MINUTE, 300, BUSY) for n in range(72)]
    )
    await fill(scene, 1)
    card = await scene.ask("usage from:2026-11-01T01:30 to:2026-11-01T03:00")
    assert "came twice" in str(card.blocks)
    assert chart(card).until - chart(card).since == 2.5 * HOUR  # of the clock it is an hour and a half


async def test_the_figures_come_as_a_file_that_sums_to_the_card(scene: Scene) -> None:
    await fill(scene)
    card = await scene.ask("usage 1h tag:team=render")
    answer = await scene.ask(button(card, "CSV").command)
    file = next(block for block in answer.blocks if isinstance(block, Attachment))
    found = list(csv.DictReader(file.content.decode("utf-8-sig").splitlines()))
    assert len(found) == len(chart(card).points)
    total = sum(float(row[name]) for row in found for name in row if name.endswith("core-hours"))
    assert total == pytest.approx(figure(table(card)[-1][1]), abs=0.05)


async def test_what_came_in_and_went_out_says_where_it_is_from_and_when(scene: Scene) -> None:
    await fill(scene)
    counters = [NetworkCounter("render-gpu", AT - 2 * HOUR, AT - n * HOUR / 2, 10.0 - n, 4.0 - n) for n in (3, 2, 1)]
    await scene.store.add_network(ACCOUNT, counters)
    facts = plain_facts(await scene.ask("usage 24h"))
    assert facts["In and out"].startswith("9.7 GB in, 3.2 GB out")
    assert "pool statistics of Azure Batch" in facts["In and out"]
    assert "In and out" in plain_facts(await scene.ask("usage 24h pool:render-gpu"))
    assert "In and out" not in plain_facts(await scene.ask("usage 24h pool:render-cpu"))
    assert "In and out" not in plain_facts(await scene.ask("usage 24h tag:team=render"))


async def test_what_was_most_and_what_is_now_are_the_same_at_every_zoom(scene: Scene) -> None:
    """A burst of a minute on the pool, six hours ago; the last minute is another one than the mean of its hours."""
    await fill(scene, 30 * 24, every=30)
    burst = [
        Sample(ACCOUNT, "burst", AT - 6 * HOUR, 60, CoreUse(busy=300, unused=20), nodes=80),
        Sample(ACCOUNT, "burst", AT + MINUTE, 60, CoreUse(busy=7), nodes=2),
    ]
    await scene.store.add_samples(burst)
    told = set()
    for window in ("24h", "3d", "7d", "14d"):
        card = await scene.ask(f"usage {window} pool:burst")
        found = [re.findall(r"([\d.,]+) at the end · ([\d.,]+) at most", plain_facts(card)[name]) for name in _CORES]
        told.add(str(found))
        [picture] = [block for block in card.blocks if isinstance(block, Picture)]
        assert isinstance(picture.chart, UsageChart)
        assert "300" in picture.alt
    assert told == {str([[("7", "300")], [("7", "320")]])}


@pytest.mark.parametrize("subject", ["size:Standard_H16r", "tag:team=storm"])
async def test_a_size_and_a_tag_have_their_true_peaks_at_every_zoom(scene: Scene, subject: str) -> None:
    """The burst's pool became of that size and tag in between: what was before is not its."""
    await fill(scene, 30 * 24, every=30)
    await scene.store.add_samples(
        [
            Sample(ACCOUNT, "Burst", AT - 9 * HOUR, 60, CoreUse(busy=900), nodes=80),
            Sample(ACCOUNT, "Burst", AT - 6 * HOUR, 60, CoreUse(busy=300, unused=20), nodes=80),
            Sample(ACCOUNT, "second", AT - 6 * HOUR, 60, CoreUse(busy=5), nodes=1),
            Sample(ACCOUNT, "Burst", AT, 60, CoreUse(busy=7), nodes=2),
        ]
    )
    storm = PoolEra("second", AT - 400 * DAY, "Standard_H16r", 16, False, {"team": "storm"})
    before = replace(storm, pool="burst", vm_size="Standard_F8s_v2", cores=8, tags={"team": "sim"})
    await scene.store.add_pool_eras(ACCOUNT, [storm, before, replace(storm, pool="burst", since=AT - 8 * HOUR)])
    told = set()
    for window in ("24h", "3d", "7d", "14d"):
        shown = plain_facts(await scene.ask(f"usage {window} {subject}"))
        told.add(str([re.findall(r"([\d.,]+) at the end · ([\d.,]+) at most", shown[name]) for name in _CORES]))
    assert told == {str([[("7", "305")], [("7", "325")]])}


async def test_a_job_has_its_true_peak_at_every_zoom(scene: Scene) -> None:
    """Of jobs half hours are kept: the peak is that of the busiest, and not of six hours around it."""
    storm = JobCores("storm", 200.0)
    await fill(scene, 30 * 24, every=30)
    await scene.store.add_samples(
        [Sample(ACCOUNT, "burst", AT - 6 * HOUR - n * MINUTE, 60, CoreUse(busy=300), jobs=(storm,)) for n in range(30)]
    )
    told = set()
    for window in ("24h", "3d", "7d", "14d"):
        shown = plain_facts(await scene.ask(f"usage {window} job:storm"))
        told.add(shown["Busy cores"].partition(" · ")[2])
    assert told == {"0 at the end · 200 at most (mean of 30 min)"}


_CORES = ("Busy cores", "All cores")


async def test_a_title_claims_no_more_than_is_known(scene: Scene) -> None:
    await fill(scene, 27)
    month, day = await scene.ask("usage 30d"), await scene.ask("usage 24h")
    assert "known of the last 30 days" in plain(month.title)
    assert "1 d 2 h known of " in plain(month.title)
    assert "known of" not in plain(day.title)
    for card in (month, day):
        [picture] = [block for block in card.blocks if isinstance(block, Picture)]
        assert isinstance(picture.chart, UsageChart)
        assert ("known of" in picture.chart.subtitle) is (card is month)
        assert picture.chart.idle
        assert re.fullmatch(r"\d+ \w+( \d\d:\d\d)?", moment(picture.chart, picture.chart.since))  # a date at every zoom
